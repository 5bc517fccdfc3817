/* SPDX-License-Identifier: MIT */
#include "engine/run/auto.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>

/* Ends as a model: how long a request takes, and how many a second they serve at most. */
struct ends {
	double latency;      /* seconds, as long as there is room */
	double capacity;     /* requests a second */
	uint32_t patience;   /* copiers beyond which some answers ask for less; 0: never */
	double noise;        /* share by which a second may be off */
	double work;         /* share of the copiers that there is work for */
	unsigned int answer; /* the second for which it answers */
};

static double noise(struct ends *m)
{
	m->answer++;
	return 1 + m->noise * ((double)(m->answer * 7919 % 200) / 100 - 1);
}

static struct auto_sample second(struct ends *m, uint32_t n)
{
	double busy = n * m->work, rate = busy / m->latency;
	struct auto_sample s = { .ns = 1000000000 };

	if (rate > m->capacity)
		rate = m->capacity;
	s.objects = (uint64_t)(rate * noise(m));
	s.bytes = s.objects * 4096;
	s.busy = (uint64_t)(busy * 1e9);
	s.starved = (uint64_t)(n * (1 - m->work) * 1e9);
	if (m->patience && n > m->patience)
		s.destination = (uint64_t)((n - m->patience) / m->latency);
	return s;
}

static uint32_t after(struct auto_tuner *t, struct ends *m, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		struct auto_sample s = second(m, t->now);

		auto_step(t, &s);
		ck_assert(t->now >= 1 && t->now <= t->most);
	}
	return t->now;
}

START_TEST(it_grows_as_long_as_more_moves_more)
{
	struct ends m = { .latency = 0.05, .capacity = 1e9, .work = 1, .noise = 0.03 };
	struct auto_tuner t;

	auto_init(&t, 8, 512);
	ck_assert_int_eq(t.reason, AUTO_STARTING);
	ck_assert_uint_eq(after(&t, &m, 2), 24);
	ck_assert_int_eq(t.reason, AUTO_GROWING);
	/* so near to the end that the noise is as large as the gain */
	ck_assert_uint_ge(after(&t, &m, 120), 400);
}
END_TEST

static const uint32_t knees[] = { 20, 48, 100, 250 };

START_TEST(it_stops_where_more_moves_no_more)
{
	uint32_t knee = knees[_i];
	struct ends m = { .latency = 0.05, .capacity = knee / 0.05, .work = 1, .noise = 0.02 };
	struct auto_tuner t;
	uint64_t sum = 0;

	auto_init(&t, 8, 512);
	after(&t, &m, 120);
	for (int i = 0; i < 200; i++)
		sum += after(&t, &m, 1);
	ck_assert_uint_ge(sum / 200, knee * 9 / 10);
	ck_assert_uint_le(sum / 200, knee * 3 / 2 + 8);
}
END_TEST

START_TEST(it_stays_small_where_nothing_helps)
{
	struct ends m = { .latency = 0.001, .capacity = 5000, .work = 1, .noise = 0.02 };
	struct auto_tuner t;
	unsigned int more = 0;

	auto_init(&t, 8, 512);
	for (int i = 0; i < 200; i++)
		more += after(&t, &m, 1) > 8;
	/* a look now and then, no more */
	ck_assert_uint_le(more, 20);
}
END_TEST

START_TEST(asked_for_less_it_takes_a_good_part_back)
{
	struct ends m = { .latency = 0.05, .capacity = 1e9, .work = 1, .patience = 40 };
	struct auto_tuner t;
	uint64_t sum = 0;

	auto_init(&t, 8, 512);
	after(&t, &m, 6);
	ck_assert_int_eq(t.reason, AUTO_DESTINATION);
	ck_assert_uint_le(t.now, 40);
	for (int i = 0; i < 200; i++) {
		sum += after(&t, &m, 1);
		ck_assert_uint_le(t.now, 56);
	}
	ck_assert_uint_ge(sum / 200, 25);
}
END_TEST

START_TEST(it_names_the_end_that_asked)
{
	struct auto_sample s = { .ns = 1000000000, .objects = 10, .source = 2, .destination = 1 };
	struct auto_tuner t;

	auto_init(&t, 8, 512);
	ck_assert_uint_eq(auto_step(&t, &s), 6);
	ck_assert_int_eq(t.reason, AUTO_SOURCE);
}
END_TEST

START_TEST(now_and_then_is_chance)
{
	struct auto_sample s = { .ns = 1000000000, .objects = 1000, .source = 3 };
	struct auto_tuner t;

	auto_init(&t, 8, 512);
	ck_assert_uint_eq(auto_step(&t, &s), 16);
}
END_TEST

START_TEST(asked_again_and_again_one_is_left)
{
	struct auto_sample s = { .ns = 1000000000, .source = 1 };
	struct auto_tuner t;

	auto_init(&t, 64, 512);
	for (int i = 0; i < 30; i++)
		auto_step(&t, &s);
	ck_assert_uint_eq(t.now, 1);
}
END_TEST

START_TEST(without_work_for_more_there_are_not_more)
{
	struct ends m = { .latency = 0.05, .capacity = 1e9, .work = 0.5 };
	struct auto_tuner t;

	auto_init(&t, 8, 512);
	ck_assert_uint_eq(after(&t, &m, 60), 8);
	ck_assert_int_eq(t.reason, AUTO_IDLE);
}
END_TEST

START_TEST(requests_that_take_longer_are_made_fewer)
{
	struct ends m = { .latency = 0.05, .capacity = 400, .work = 1 };
	struct auto_tuner t;
	uint32_t before;

	auto_init(&t, 8, 512);
	before = after(&t, &m, 15);
	ck_assert_int_eq(t.reason, AUTO_ENOUGH);
	m.latency = 0.5;
	m.capacity = 40;
	ck_assert_uint_le(after(&t, &m, 6), before * 3 / 4);
	ck_assert_int_eq(t.reason, AUTO_SLOWER);
}
END_TEST

START_TEST(it_never_goes_above_what_is_possible)
{
	struct ends m = { .latency = 0.05, .capacity = 1e9, .work = 1 };
	struct auto_tuner t;

	auto_init(&t, 8, 5);
	ck_assert_uint_eq(t.now, 5);
	ck_assert_uint_eq(after(&t, &m, 20), 5);
	auto_init(&t, 8, 512);
	after(&t, &m, 10);
	auto_limit(&t, 12);
	ck_assert_uint_eq(t.now, 12);
	ck_assert_uint_eq(after(&t, &m, 20), 12);
	ck_assert_int_eq(t.reason, AUTO_LIMIT);
}
END_TEST

/* Two objects an hour say nothing about the number of copiers. */
START_TEST(little_is_not_judged_in_haste)
{
	struct auto_sample s = { .ns = 1000000000, .objects = 1, .busy = 8000000000 };
	struct auto_tuner t;

	auto_init(&t, 8, 512);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(auto_step(&t, &s), 8);
	ck_assert_uint_eq(auto_step(&t, &s), 16);
}
END_TEST

START_TEST(nothing_done_changes_nothing)
{
	struct auto_sample s = { .ns = 1000000000, .busy = 8000000000 };
	struct auto_tuner t;

	auto_init(&t, 8, 512);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(auto_step(&t, &s), 8);
}
END_TEST

START_TEST(each_reason_has_a_text)
{
	for (uint32_t i = 0; i < AUTO_REASONS; i++)
		ck_assert_str_ne(auto_reason_text(i), "unknown");
	ck_assert_str_eq(auto_reason_text(AUTO_REASONS), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("auto");
	TCase *t = tcase_create("auto");

	suite_add_tcase(suite, t);
	tcase_add_test(t, it_grows_as_long_as_more_moves_more);
	tcase_add_loop_test(t, it_stops_where_more_moves_no_more, 0,
			    sizeof(knees) / sizeof(knees[0]));
	tcase_add_test(t, it_stays_small_where_nothing_helps);
	tcase_add_test(t, asked_for_less_it_takes_a_good_part_back);
	tcase_add_test(t, it_names_the_end_that_asked);
	tcase_add_test(t, now_and_then_is_chance);
	tcase_add_test(t, asked_again_and_again_one_is_left);
	tcase_add_test(t, without_work_for_more_there_are_not_more);
	tcase_add_test(t, requests_that_take_longer_are_made_fewer);
	tcase_add_test(t, it_never_goes_above_what_is_possible);
	tcase_add_test(t, little_is_not_judged_in_haste);
	tcase_add_test(t, nothing_done_changes_nothing);
	tcase_add_test(t, each_reason_has_a_text);
	return run_tap(suite);
}
