/* SPDX-License-Identifier: MIT */
/* Rings, bodies and attributes: what passes between two plugins. */
#include "plugin/stream.h"

#include "base/bytes.h"
#include "plugin-fixture.h"
#include "tap.h"

#include <pthread.h>
#include <stdio.h>

#define TOTAL 1000003

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 31 + i / 257);
}

struct producer {
	struct ring *ring;
	size_t step, total;
	bool stopped;
};

static void *produce(void *arg)
{
	struct producer *p = arg;
	unsigned char buffer[4096];
	size_t at = 0;

	while (at < p->total && !p->stopped) {
		size_t n = p->total - at < p->step ? p->total - at : p->step;

		for (size_t i = 0; i < n; i++)
			buffer[i] = byte_at(at + i);
		p->stopped = !migrate_sink_write(ring_sink(p->ring), buffer, n);
		at += n;
	}
	ring_finish(p->ring, !p->stopped && p->total == TOTAL);
	return NULL;
}

/* Pull until the end; -1: the body failed. */
static ptrdiff_t consume(struct ring *ring, size_t step)
{
	unsigned char buffer[4096];
	ptrdiff_t n, all = 0;

	while ((n = migrate_body_read(ring_body(ring), buffer, step)) > 0)
		for (ptrdiff_t i = 0; i < n; i++)
			if (buffer[i] != byte_at((size_t)all++))
				ck_abort_msg("byte %td is another one", all - 1);
	return n < 0 ? n : all;
}

static const struct {
	size_t ring, push, pull;
} sizes[] = { { 13, 3, 5 }, { 70, 4096, 1 }, { 4096, 100, 4096 }, { 65536, 4096, 1000 } };

START_TEST(a_ring_passes_every_byte)
{
	struct ring *ring = ring_new(sizes[_i].ring);
	struct digest_context *c = digest_new(), *again = digest_new();
	struct producer p = { .ring = ring, .step = sizes[_i].push, .total = TOTAL };
	struct migrate_digest passed, whole;
	unsigned char *all = malloc(TOTAL);
	pthread_t thread;

	for (size_t i = 0; i < TOTAL; i++)
		all[i] = byte_at(i);
	digest_begin(c, MIGRATE_SHA256);
	ring_begin(ring, session, other, c, NULL, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, produce, &p), 0);
	ck_assert_int_eq(consume(ring, sizes[_i].pull), TOTAL);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(ring_count(ring), TOTAL);
	digest_end(c, &passed);
	digest_of(again, MIGRATE_SHA256, all, TOTAL, &whole);
	ck_assert(digest_equal(&passed, &whole));
	digest_free(c);
	digest_free(again);
	ring_free(ring);
	free(all);
}
END_TEST

START_TEST(a_source_that_fails_is_no_end)
{
	struct ring *ring = ring_new(1024);
	struct producer p = { .ring = ring, .step = 100, .total = TOTAL / 2 };
	pthread_t thread;

	ring_begin(ring, session, other, NULL, NULL, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, produce, &p), 0);
	ck_assert_int_eq(consume(ring, 1000), -1);
	pthread_join(thread, NULL);
	ring_free(ring);
}
END_TEST

START_TEST(a_consumer_that_leaves_stops_the_producer)
{
	struct ring *ring = ring_new(1024);
	struct producer p = { .ring = ring, .step = 100, .total = TOTAL };
	unsigned char few[10];
	pthread_t thread;

	ring_begin(ring, session, other, NULL, NULL, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, produce, &p), 0);
	ck_assert_int_eq(migrate_body_read(ring_body(ring), few, sizeof(few)), 10);
	ck_assert(!migrate_body_restart(ring_body(ring)));
	ring_abandon(ring);
	pthread_join(thread, NULL);
	ck_assert(p.stopped);
	ring_free(ring);
}
END_TEST

START_TEST(cancelling_wakes_both_sides)
{
	struct ring *ring = ring_new(16);
	struct producer p = { .ring = ring, .step = 100, .total = TOTAL };
	pthread_t thread;

	ring_begin(ring, session, other, NULL, NULL, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, produce, &p), 0); /* fills it and waits */
	host_cancel(&host);
	pthread_join(thread, NULL);
	ck_assert(p.stopped);
	ck_assert_int_eq(consume(ring, 10), -1);
	host_resume(&host);
	ring_free(ring);
}
END_TEST

static bool stop_at_ten(void *arg, size_t n)
{
	size_t *passed = arg;

	*passed += n;
	return *passed <= 10;
}

START_TEST(memory_sinks_count_and_refuse)
{
	struct migrate_sink *sink = sink_memory();
	size_t passed = 0;
	char room[20];

	sink_memory_begin(sink, session, room, sizeof(room), stop_at_ten, &passed);
	ck_assert(migrate_sink_write(sink, "0123456789", 10));
	ck_assert(!migrate_sink_write(sink, "x", 1));
	ck_assert_uint_eq(sink_memory_count(sink), 10);
	ck_assert(migrate_sink_restart(sink));
	ck_assert_uint_eq(sink_memory_count(sink), 0);
	sink_free(sink);
}
END_TEST

START_TEST(memory_bodies_begin_again)
{
	struct migrate_body *body = body_memory();
	const void *span;
	char back[20];
	size_t n;

	body_memory_begin(body, session, "abcdef", 6);
	ck_assert(migrate_body_span(body, &span, &n) && n == 6);
	migrate_body_used(body, 2);
	ck_assert_int_eq(migrate_body_read(body, back, 20), 4);
	ck_assert(!memcmp(back, "cdef", 4));
	ck_assert_int_eq(migrate_body_read(body, back, 20), 0);
	ck_assert(migrate_body_restart(body));
	ck_assert_int_eq(migrate_body_read(body, back, 20), 6);
	body_free(body);
}
END_TEST

START_TEST(digest_sinks_keep_nothing)
{
	struct migrate_sink *sink = sink_memory();
	struct digest_context *c = digest_new();
	struct migrate_digest one, two;

	digest_begin(c, MIGRATE_MD5);
	sink_digest_begin(sink, session, c);
	ck_assert(migrate_sink_write(sink, "abc", 3));
	ck_assert(!migrate_sink_restart(sink));
	ck_assert(migrate_sink_write(sink, "def", 3));
	ck_assert_uint_eq(sink_digest_count(sink), 6);
	digest_end(c, &one);
	digest_of(c, MIGRATE_MD5, "abcdef", 6, &two);
	ck_assert(digest_equal(&one, &two));
	digest_free(c);
	sink_free(sink);
}
END_TEST

/* ---- Attributes ---- */

START_TEST(attributes_have_names_that_are_known)
{
	static const struct {
		const char *name;
		bool known;
	} cases[] = {
		{ "content-type", true },    { "mtime", true },
		{ "meta:x", true },          { "tag:x", true },
		{ "xattr:user.x", true },    { "meta:", false },
		{ "content-length", false }, { "", false },
		{ "Content-Type", false },
	};
	struct migrate_attributes *a = attributes_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(migrate_set_attribute(a, cases[i].name, "v", 1) == cases[i].known,
			      "%s", cases[i].name);
	ck_assert_uint_eq(migrate_attribute_count(a), 5);
	attributes_free(a);
}
END_TEST

START_TEST(attributes_have_a_ceiling)
{
	struct migrate_attributes *a = attributes_new();
	static char big[65536];
	struct migrate_bytes value;

	ck_assert(!migrate_set_attribute(a, "meta:a", big, sizeof(big)));
	ck_assert(migrate_set_attribute(a, "meta:a", big, 60000));
	ck_assert(!migrate_set_attribute(a, "meta:b", big, 6000));
	ck_assert(migrate_set_attribute(a, "meta:a", "small\0 again", 12));
	ck_assert(migrate_set_attribute(a, "meta:b", big, 6000));
	ck_assert(migrate_attribute(a, "meta:a", &value));
	ck_assert(bytes_equal(value, BYTES("small\0 again")));
	ck_assert(!migrate_attribute(a, "meta:c", &value));
	ck_assert(!migrate_set_attribute(NULL, "meta:a", "x", 1));
	ck_assert_uint_eq(migrate_attribute_count(NULL), 0);
	attributes_free(a);
}
END_TEST

START_TEST(attributes_are_at_most_256)
{
	struct migrate_attributes *a = attributes_new();
	char name[32];
	int n = 0;

	for (bool ok = true; ok; n += ok) {
		snprintf(name, sizeof(name), "tag:%d", n);
		ok = migrate_set_attribute(a, name, NULL, 0);
	}
	ck_assert_int_eq(n, 256);
	attributes_reset(a);
	ck_assert_uint_eq(migrate_attribute_count(a), 0);
	ck_assert(migrate_set_attribute(a, "acl", "x", 1));
	attributes_free(a);
}
END_TEST

START_TEST(kept_names_are_patterns)
{
	char type[] = "content-type", meta[] = "meta:*";
	struct kept_attribute kept[] = { { type, 5 }, { meta, 0 } };
	struct store_facts f = { .kept = kept, .kept_count = 2 };

	ck_assert(store_keeps(&f, "content-type", 5));
	ck_assert(!store_keeps(&f, "content-type", 6));
	ck_assert(store_keeps(&f, "meta:anything", 100000));
	ck_assert(!store_keeps(&f, "met", 1));
	ck_assert(!store_keeps(&f, "tag:x", 1));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plugin-streams");
	TCase *t = tcase_create("plugin-streams");

	act = NULL; /* no call of the store is made here */
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_ring_passes_every_byte, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(t, a_source_that_fails_is_no_end);
	tcase_add_test(t, a_consumer_that_leaves_stops_the_producer);
	tcase_add_test(t, cancelling_wakes_both_sides);
	tcase_add_test(t, memory_sinks_count_and_refuse);
	tcase_add_test(t, memory_bodies_begin_again);
	tcase_add_test(t, digest_sinks_keep_nothing);
	tcase_add_test(t, attributes_have_names_that_are_known);
	tcase_add_test(t, attributes_have_a_ceiling);
	tcase_add_test(t, attributes_are_at_most_256);
	tcase_add_test(t, kept_names_are_patterns);
	suite_add_tcase(s, t);
	return run_tap(s);
}
