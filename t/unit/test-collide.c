/* SPDX-License-Identifier: MIT */
#include "run-fixture.h"

#include "engine/plan/planner.h"

/*
 * Random small plans over few letters, so that new keys meet each other and other objects' keys,
 * and a model that compares each object with each other one.
 */
#define OBJECTS 24
#define NAME 5

enum place { IN_JOURNAL, FOR_LATER };

struct planned_key {
	enum place place;
	char key[NAME], new_key[NAME]; /* new_key "": none could be made */
	uint8_t state, fail;           /* before the check */
	bool copied_before;            /* an older copy is at its new key */
	int64_t batch;
	uint32_t n;
};

static struct planned_key plan[OBJECTS];
static unsigned count;
static bool begun;

/* ---- The model ---- */

/* Its keys count. */
static bool counts(const struct planned_key *p)
{
	if (p->state == OBJECT_SKIPPED && p->fail == FAIL_COLLISION) /* left out since */
		return *p->new_key && p->copied_before;
	return *p->new_key && p->state != OBJECT_GONE && p->state != OBJECT_MOVED &&
	       (p->state != OBJECT_FAILED || p->fail == FAIL_COLLISION);
}

static bool becomes(const struct planned_key *a, const struct planned_key *b)
{
	return counts(a) && counts(b) && a != b && !strcmp(a->new_key, b->key) &&
	       strcmp(b->key, b->new_key);
}

static bool meets(const struct planned_key *a, const struct planned_key *b)
{
	return counts(a) && counts(b) && a != b && !strcmp(a->new_key, b->new_key);
}

static bool is_chained(void)
{
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < count; k++)
			if (becomes(&plan[i], &plan[k]))
				return true;
	return false;
}

static bool must_fail(const struct planned_key *p)
{
	for (unsigned i = 0; i < count; i++)
		if (meets(p, &plan[i]) || becomes(p, &plan[i]) || becomes(&plan[i], p))
			return p->state == OBJECT_PLANNED;
	return false;
}

/* Is there one of whom this can be said? */
static bool may_say(const struct planned_key *p, const char *message)
{
	char twice[80], chains[80], chained[80];

	snprintf(twice, sizeof(twice), "another key becomes '%s' too", p->new_key);
	snprintf(chains, sizeof(chains), "chained names: '%s' is another object's key", p->new_key);
	snprintf(chained, sizeof(chained),
		 "chained names: another key becomes '%s', which is this one", p->key);
	for (unsigned i = 0; i < count; i++)
		if ((meets(p, &plan[i]) && !strcmp(message, twice)) ||
		    (becomes(p, &plan[i]) && !strcmp(message, chains)) ||
		    (becomes(&plan[i], p) && !strcmp(message, chained)))
			return true;
	return false;
}

/* "chained names: 'KEY' becomes 'NEW', which ...", of two that are so. */
static bool names_a_chain(const char *message)
{
	char text[120];

	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < count; k++) {
			if (!becomes(&plan[i], &plan[k]))
				continue;
			if (plan[i].place == IN_JOURNAL)
				snprintf(text, sizeof(text), "'%s' becomes '%s', which",
					 plan[i].key, plan[i].new_key);
			else if (plan[k].place == IN_JOURNAL)
				snprintf(text, sizeof(text), "for later becomes '%s', which",
					 plan[k].key);
			else
				snprintf(text, sizeof(text), "among the keys that --first");
			if (strstr(message, text))
				return true;
		}
	return false;
}

/* ---- Plans ---- */

/* One to three letters, of which one is a prefix of the other often enough. */
static void draw_name(char *name, unsigned letters)
{
	unsigned n = 1 + draw(3);

	for (unsigned i = 0; i < n; i++)
		name[i] = (char)('a' + draw(letters));
	name[n] = '\0';
}

static bool is_taken(const char *key)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(plan[i].key, key))
			return true;
	return false;
}

static void draw_state(struct planned_key *p)
{
	static const uint8_t states[] = { OBJECT_COPIED, OBJECT_SAME, OBJECT_SKIPPED, OBJECT_GONE,
					  OBJECT_FAILED };

	if (p->place == FOR_LATER || draw(4))
		return;
	p->state = states[draw(sizeof(states))];
	if (p->state == OBJECT_FAILED)
		p->fail = draw(2) ? FAIL_COLLISION : FAIL_DENIED;
	if (p->state == OBJECT_SKIPPED)
		p->fail = draw(2) ? FAIL_COLLISION : FAIL_NONE;
	p->copied_before = draw(2);
}

static void draw_plan(bool chains)
{
	unsigned letters = 2 + draw(4), want = 2 + draw(OBJECTS - 2);
	struct planned_key p;

	for (unsigned tries = 0; tries < 200 && count < want; tries++) {
		memset(&p, 0, sizeof(p));
		p.place = draw(5) ? IN_JOURNAL : FOR_LATER;
		draw_name(p.key, letters);
		draw_name(p.new_key, letters);
		if (!chains) /* no key has such a letter */
			p.new_key[0] = (char)('A' + draw(letters));
		if (!draw(8))
			snprintf(p.new_key, sizeof(p.new_key), "%s", p.key);
		if (!draw(12) && p.place == IN_JOURNAL)
			p.new_key[0] = '\0';
		draw_state(&p);
		if (!is_taken(p.key))
			plan[count++] = p;
	}
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct planned_key *)a)->key, ((const struct planned_key *)b)->key);
}

static void plan_batch(unsigned *members, uint32_t n, enum batch_kind kind)
{
	struct batch *b = make_batch(1, kind, 0, 1, n);

	b->began = begun;
	for (uint32_t i = 0; i < n; i++) {
		const struct planned_key *p = &plan[members[i]];

		b->objects[i].key = bytes_of_text(p->key);
		b->objects[i].new_key = bytes_of_text(p->new_key);
		b->objects[i].state = p->state;
		b->objects[i].fail = p->fail;
		b->objects[i].created = p->copied_before ? CREATED_OURS : CREATED_UNKNOWN;
	}
	WELL(journal_plan(task.journal, &b, 1, &err));
	for (uint32_t i = 0; i < n && kind < BATCH_ROWS; i++) {
		plan[members[i]].batch = b->id;
		plan[members[i]].n = i;
	}
	batch_free(b);
}

/* Into batches, a few in each; what is for later is told to the check. */
static void lay_out(struct plan_check *c)
{
	unsigned members[OBJECTS];
	uint32_t n = 0;

	qsort(plan, count, sizeof(*plan), by_key);
	for (unsigned i = 0; i < count; i++) {
		if (plan[i].place == FOR_LATER) {
			WELL(plan_check_add(c, bytes_of_text(plan[i].key),
					    bytes_of_text(plan[i].new_key), &err));
			continue;
		}
		members[n++] = i;
		if (!draw(5)) {
			plan_batch(members, n, BATCH_SORTED);
			n = 0;
		}
	}
	plan_batch(members, n, BATCH_SORTED);
}

/* ---- Checks ---- */

static void check_record(const struct planned_key *p, const struct object_record *o,
			 unsigned *failed)
{
	if (!must_fail(p)) {
		ck_assert_msg(o->state == p->state && o->fail == p->fail, "%s > %s is %u: %s",
			      p->key, p->new_key, o->state, o->message ? o->message : "");
		return;
	}
	++*failed;
	ck_assert_msg(o->state == OBJECT_FAILED && o->fail == FAIL_COLLISION, "%s > %s is %u",
		      p->key, p->new_key, o->state);
	ck_assert_msg(may_say(p, o->message), "%s > %s: %s", p->key, p->new_key, o->message);
}

static void check_plan(void)
{
	unsigned failed = 0;
	struct batch *b;

	for (unsigned i = 0; i < count; i++) {
		if (plan[i].place == FOR_LATER)
			continue;
		b = journal_load(task.journal, plan[i].batch, &err);
		ck_assert_msg(b != NULL, "%s", err.text);
		check_record(&plan[i], &b->objects[plan[i].n], &failed);
		batch_free(b);
	}
	ck_assert_uint_eq(run.tally.failed, failed);
	ck_assert_uint_eq(run.tally.new_failures, failed);
	ck_assert_uint_eq(run.tally.objects_done, failed);
}

static void check_one(bool chains)
{
	struct plan_check *c = plan_check_new(&run, &err);
	int rc;

	ck_assert_msg(c != NULL, "%s", err.text);
	draw_plan(chains);
	lay_out(c);
	rc = plan_check_run(c, &err);
	if (!begun && is_chained()) {
		ck_assert_int_eq(rc, -1);
		ck_assert_int_eq(err.exit, EXIT_USAGE);
		ck_assert_msg(names_a_chain(err.text), "%s", err.text);
		ck_assert(run.fresh);
	} else {
		ck_assert_msg(rc == 0, "%s", err.text);
		check_plan();
	}
	plan_check_free(c);
}

START_TEST(new_keys_that_meet_fail_and_no_others)
{
	sow(_i);
	begun = draw(2);
	check_one(false);
}
END_TEST

START_TEST(chains_are_refused_before_the_first_copy)
{
	sow(1000 + _i);
	check_one(true);
}
END_TEST

START_TEST(chains_that_came_later_fail_both)
{
	sow(2000 + _i);
	begun = true;
	check_one(true);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, new_keys_that_meet_fail_and_no_others, 0, 20);
	tcase_add_loop_test(t, chains_are_refused_before_the_first_copy, 0, 20);
	tcase_add_loop_test(t, chains_that_came_later_fail_both, 0, 20);
}

int main(void)
{
	return run_fixture_suite("collide", add);
}
