/* SPDX-License-Identifier: MIT */
#include "run-fixture.h"

#include "base/array.h"
#include "engine/plan/delta.h"
#include "plugin-fixture.h"

/*
 * Random passes over few letters, so that names begin with each other, then a listing in which
 * some of them changed, as the feeder walks along it, and a model that looks each name up by
 * itself. Names that end with a slash are folders: known only where they could not be listed.
 */
#define NAMES 160
#define PASSES 3
#define BASE (INT64_C(1700000000) * NS_PER_S)
#define SLACK (2 * NS_PER_S)

enum source { GONE, THERE, PASSED_OVER, BROKEN };

struct name {
	char text[10];
	/* the newest record: of earlier passes, then of this one */
	bool known, retried;
	struct object_record record;
	int64_t batch, began;
	uint32_t n;
	/* what the source has now */
	enum source source;
	enum migrate_status answer; /* to a stat */
	struct migrate_object now;
	bool told;   /* the key comes with what the source has */
	bool closed; /* the model's: its failure is over */
	bool fed;    /* delta_match() was asked */
};

static struct arena memory;
static struct name names[NAMES], before[NAMES]; /* before: as this pass found them */
static bool own[NAMES];                         /* as delta_open() found them */
static unsigned queue[NAMES], queued;
static int pass;
static const char *excluded; /* names that begin so */

/* ---- The model ---- */

static struct migrate_bytes key_of(unsigned i)
{
	return bytes_of_text(names[i].text);
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool is_folder(unsigned i)
{
	return names[i].text[strlen(names[i].text) - 1] == '/';
}

static bool is_selected(unsigned i)
{
	return !excluded || !begins(names[i].text, excluded);
}

/* Is its key brought to the delta pass? */
static bool is_brought(unsigned i)
{
	return names[i].source >= THERE && names[i].source != PASSED_OVER && is_selected(i);
}

static bool is_unlisted(unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (is_folder(k) && names[k].source == BROKEN && is_selected(k) &&
		    begins(names[i].text, names[k].text))
			return true;
	return false;
}

static bool is_ours(const struct object_record *o)
{
	return (o->state == OBJECT_COPIED || o->state == OBJECT_SAME) && o->created == CREATED_OURS;
}

static bool may_stand(const struct object_record *o)
{
	return o->state == OBJECT_COPIED || o->state == OBJECT_SAME ||
	       (o->new_key.n &&
		(o->state == OBJECT_PLANNED || o->replaces.n || o->created != CREATED_UNKNOWN));
}

static bool failed_for_its_key(const struct object_record *o)
{
	return o->state == OBJECT_FAILED &&
	       (!o->new_key.n || o->fail == FAIL_UNMATCHED || o->fail == FAIL_RENAME ||
		o->fail == FAIL_COLLISION || o->fail == FAIL_UNLISTED);
}

static void find_own(void)
{
	bool any = task.relation == ENDS_SAME || job.keys_from == KEYS_FROM_DATABASE;

	memset(own, 0, sizeof(own));
	for (unsigned i = 0; any && i < NAMES; i++)
		for (unsigned k = 0; k < NAMES; k++)
			if (names[k].known && may_stand(&names[k].record))
				own[i] |= bytes_equal(names[k].record.new_key, key_of(i));
}

static bool is_same(const struct object_record *o, const struct key_item *item)
{
	if (item->etag.n && o->etag.n)
		return bytes_equal(item->etag, o->etag);
	return !item->etag.n || (item->size == o->size && item->mtime == o->mtime);
}

static bool stays(const struct object_record *o, const struct key_item *item)
{
	if (item->kind == LISTED_FAILED)
		return o->state == OBJECT_FAILED;
	switch (o->state) {
	case OBJECT_GONE:
		return false;
	case OBJECT_FAILED:
		return is_same(o, item) && o->fail != FAIL_UNLISTED && o->fail != FAIL_MISSING &&
		       o->fail != FAIL_COLLISION;
	case OBJECT_SKIPPED: /* with another class: a failure that was closed */
		return is_same(o, item) && (!o->fail || (o->fail == FAIL_CONFLICT &&
							 job.copy.on_conflict == CONFLICT_SKIP));
	default:
		return is_same(o, item);
	}
}

/* Another time than the copy's, or one that is not before the copying, by two seconds and a tick. */
static bool is_touched(const struct name *b, const struct key_item *item)
{
	int64_t tick = task.ends.source_facts.d.mtime_resolution;
	if (tick < 1)
		tick = 1;
	if (b->record.mtime == INT64_MIN || item->mtime == INT64_MIN ||
	    llabs(item->mtime - b->record.mtime) >= tick)
		return true;
	return b->began - item->mtime < tick + SLACK;
}

static bool looks_at_attributes(const struct name *b, const struct key_item *item)
{
	return job.copy.changes == CHANGES_ATTRIBUTES && is_ours(&b->record) && item->etag.n &&
	       item->kind == LISTED_OBJECT &&
	       !(task.ends.source_facts.d.flags & MIGRATE_ETAG_OF_ALL);
}

/* What delta_match() shall say. */
static struct older expect(unsigned i, const struct key_item *item)
{
	const struct name *b = &before[i];
	struct older o = { .own = own[i] };

	if (!b->known)
		return o;
	if (o.own && failed_for_its_key(&b->record) && job.keys_from == KEYS_FROM_DATABASE &&
	    !is_unlisted(i)) {
		names[i].closed = !task.read_only;
		return o;
	}
	o = (struct older){ .found = true, .record = b->record, .batch = b->batch, .n = b->n };
	o.settled = stays(&b->record, item);
	o.record.unchanged = o.settled && looks_at_attributes(b, item) && is_touched(b, item);
	o.settled &= !o.record.unchanged;
	o.settled |= b->retried;
	return o;
}

/* What delta_look_again() shall make of it. */
static void expect_again(unsigned i, const struct key_item *item, struct older *o)
{
	const struct name *b = &before[i];
	struct key_item now = *item;

	if (!o->found || item->etag.n || job.keys_from == KEYS_FROM_SOURCE || b->retried)
		return;
	now.size = names[i].now.size;
	now.mtime = names[i].now.mtime;
	now.etag = names[i].now.etag;
	if (names[i].answer == MIGRATE_OK)
		*o = expect(i, &now);
	else
		o->settled = names[i].answer == MIGRATE_NOT_FOUND;
}

/* ---- Draws ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static bool is_new_name(unsigned count, const char *text)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(names[i].text, text))
			return false;
	return true;
}

static void draw_names(void)
{
	for (unsigned count = 0; count < NAMES;) {
		unsigned length = 1 + draw(6);
		char *text = names[count].text;

		memset(text, 0, sizeof(names[count].text));
		for (unsigned i = 0; i < length; i++)
			text[i] = "ab-/"[draw(i && text[i - 1] != '/' ? 4 : 3)];
		count += is_new_name(count, text);
	}
	array_sort(names, NAMES, sizeof(*names), by_text);
}

static struct migrate_bytes text_of(const char *what, unsigned number)
{
	return bytes_of_text(arena_printf(&memory, "%s%u", what, number));
}

static int64_t draw_time(void)
{
	return draw(8) ? BASE + draw(6) * NS_PER_S + draw(3) - 1 : INT64_MIN;
}

static struct migrate_bytes draw_new_key(unsigned i)
{
	unsigned k = draw(NAMES);

	return is_folder(k) || draw(3) ? text_of("new/", i) : key_of(k);
}

static void draw_failure(unsigned i, struct object_record *o)
{
	o->state = OBJECT_FAILED;
	o->fail = (uint8_t)(1 + draw(FAIL_CLASS_COUNT - 1));
	if (is_folder(i))
		o->fail = FAIL_UNLISTED;
	if (is_folder(i) || draw(2))
		o->new_key.n = 0;
	o->message = "why";
}

static struct object_record draw_record(unsigned i)
{
	static const uint8_t states[] = { OBJECT_COPIED, OBJECT_COPIED,  OBJECT_COPIED,
					  OBJECT_SAME,   OBJECT_SKIPPED, OBJECT_GONE,
					  OBJECT_FAILED, OBJECT_FAILED,  OBJECT_PLANNED };
	struct object_record o = { .key = key_of(i), .size = draw(3), .mtime = draw_time() };

	o.new_key = draw_new_key(i);
	o.state = states[draw(sizeof(states))];
	if (draw(6))
		o.etag = text_of("e", draw(3));
	o.created = draw(3) ? CREATED_OURS : (uint8_t)draw(3);
	if (!draw(4))
		o.replaces = text_of("r", i);
	if (o.state == OBJECT_SKIPPED && !draw(3))
		o.fail = draw(2) ? FAIL_CONFLICT : FAIL_COLLISION;
	if (o.state == OBJECT_FAILED || is_folder(i))
		draw_failure(i, &o);
	return o;
}

/* ---- Passes ---- */

static void lay(enum batch_kind kind, const unsigned *members, struct object_record *records,
		uint32_t n)
{
	struct batch *b = make_batch(pass, kind, 0, 1, n);

	b->state = BATCH_DONE;
	b->began = draw(6) ? BASE + draw(6) * NS_PER_S : 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct name *old = &names[members[i]];

		b->objects[i] = records[i];
		b->objects[i].moved_batch = old->known ? old->batch : 0;
		b->objects[i].moved_n = old->n;
	}
	WELL(journal_plan(task.journal, &b, 1, &err));
	for (uint32_t i = 0; i < n; i++) {
		struct name *name = &names[members[i]];

		name->known = true;
		name->record = records[i];
		name->batch = b->id;
		name->began = b->began;
		name->n = i;
	}
	batch_free(b);
}

/* As --retry-failed moves them, and stragglers: those that shall go to another batch. */
static void move(int64_t from_id, bool (*moves)(const struct name *name), uint8_t state)
{
	struct batch *from = journal_load(task.journal, from_id, &err), *to;
	uint32_t which[NAMES], n = 0;
	unsigned members[NAMES];

	ck_assert_msg(from != NULL, "%s", err.text);
	for (unsigned i = 0; i < NAMES; i++)
		if (names[i].known && names[i].batch == from_id && moves(&names[i])) {
			which[n] = names[i].n;
			members[n++] = i;
		}
	to = make_batch(pass, BATCH_MOVED, 0, 1, n);
	to->state = BATCH_DONE;
	to->began = BASE + draw(6) * NS_PER_S;
	for (uint32_t i = 0; i < n; i++) {
		to->objects[i] = names[members[i]].record;
		if (state != OBJECT_MOVED)
			to->objects[i].state = names[members[i]].record.state = state;
	}
	if (n)
		WELL(journal_move(task.journal, from, which, to, &err));
	for (uint32_t i = 0; i < n; i++) {
		names[members[i]].batch = to->id;
		names[members[i]].began = to->began;
		names[members[i]].n = i;
		names[members[i]].retried = state != OBJECT_MOVED;
	}
	batch_free(from);
	batch_free(to);
}

static bool by_chance(const struct name *name)
{
	(void)name;
	return !draw(5);
}

static bool is_retried(const struct name *name)
{
	return name->record.state == OBJECT_FAILED && !failed_for_its_key(&name->record) && draw(2);
}

/* As with `keep: failures`: what did not fail is forgotten, and where it went as well. */
static void drop(int64_t id, const unsigned *members, uint32_t n)
{
	struct batch *b = journal_load(task.journal, id, &err);

	ck_assert_msg(b != NULL, "%s", err.text);
	WELL(journal_drop_done(task.journal, b, &err));
	for (uint32_t i = 0; i < n; i++)
		names[members[i]].known &= b->objects[i].state == OBJECT_FAILED;
	batch_free(b);
}

static void make_pass(void)
{
	unsigned members[NAMES], next = 0;
	struct object_record records[NAMES];

	while (next < NAMES) {
		uint32_t n = 0, want = 1 + draw(25);
		int64_t id;

		for (; next < NAMES && n < want; next++)
			if (draw(3) && (!is_folder(next) || !draw(3))) {
				records[n] = draw_record(next);
				members[n++] = next;
			}
		if (!n)
			continue;
		lay(BATCH_SORTED, members, records, n);
		id = names[members[0]].batch;
		move(id, by_chance, OBJECT_MOVED);
		if (!draw(8))
			drop(id, members, n);
	}
}

static void retry_some(void)
{
	int64_t last;

	WELL(journal_last_before(task.journal, pass, &last, &err));
	for (int64_t id = 1; id <= last; id++)
		move(id, is_retried, OBJECT_PLANNED);
}

/* ---- What the source has now ---- */

/* Near what is told apart from what. */
static int64_t draw_time_near(const struct name *b)
{
	int64_t tick = task.ends.source_facts.d.mtime_resolution, by = (int64_t)draw(3) - 1;

	if (tick < 1)
		tick = 1;
	if (b->record.mtime == INT64_MIN || !draw(6))
		return draw_time();
	switch (draw(4)) {
	case 0:
		return b->record.mtime + tick + by;
	case 1:
		return b->record.mtime - tick + by;
	default:
		return b->record.mtime;
	}
}

static void draw_object(unsigned i)
{
	const struct name *b = &names[i];
	struct migrate_object *o = &names[i].now;

	o->size = b->known && draw(6) ? b->record.size : draw(3);
	o->mtime = draw_time_near(b);
	if (b->known && b->record.etag.n && draw(4))
		o->etag = b->record.etag;
	else
		o->etag = text_of("e", draw(3));
}

static void draw_source(void)
{
	bool listed = job.keys_from == KEYS_FROM_SOURCE;

	for (unsigned i = 0; i < NAMES; i++) {
		struct name *name = &names[i];

		draw_object(i);
		name->told = listed || (job.keys_from == KEYS_FROM_DATABASE && draw(2));
		name->answer = draw(4) ? MIGRATE_OK : draw(3) ? MIGRATE_NOT_FOUND : MIGRATE_DENIED;
		name->source = draw(5) ? THERE : GONE;
		if (name->source == THERE && !draw(10))
			name->source = PASSED_OVER;
		if (listed && name->source == THERE && !draw(12))
			name->source = BROKEN;
		if (is_folder(i))
			name->source = listed && !draw(4) ? BROKEN : GONE;
		if (is_unlisted(i))
			name->source = GONE;
	}
}

static int answer(void *request)
{
	struct migrate_stat *r = request;

	for (unsigned i = 0; i < NAMES; i++) {
		const struct name *name = &names[i];

		if (!bytes_equal(r->key, key_of(i)))
			continue;
		if (name->answer != MIGRATE_OK)
			return (int)name->answer;
		r->object->size = name->now.size;
		r->object->mtime = name->now.mtime;
		return migrate_set_etag(r->object, name->now.etag.p, name->now.etag.n)
			   ? MIGRATE_OK
			   : MIGRATE_FATAL;
	}
	return MIGRATE_FATAL;
}

/* ---- As the feeder walks ---- */

struct walk {
	struct delta *delta;
	int position;      /* the last name that was planned or passed over; -1: none */
	uint64_t orphaned; /* up to there */
	int ahead; /* the last name before what is a later run's; NAMES: all are of this one */
};

static void check_older(unsigned i, const struct older *is, const struct older *o)
{
	ck_assert_msg(is->found == o->found && is->own == o->own, "%s: found %d, own %d",
		      names[i].text, is->found, is->own);
	ck_assert_msg(is->settled == o->settled, "%s: settled %d, state %u, fail %u", names[i].text,
		      is->settled, o->record.state, o->record.fail);
	if (!o->found)
		return;
	ck_assert_msg(is->batch == o->batch && is->n == o->n, "%s: in %lld/%u", names[i].text,
		      (long long)is->batch, is->n);
	ck_assert_msg(is->record.unchanged == o->record.unchanged, "%s: unchanged %d",
		      names[i].text, is->record.unchanged);
	ck_assert(bytes_equal(is->record.key, key_of(i)));
	ck_assert(bytes_equal(is->record.new_key, o->record.new_key));
	ck_assert_int_eq(is->record.state, o->record.state);
}

static struct key_item item_of(unsigned i)
{
	const struct name *name = &names[i];
	struct key_item item = { .kind = LISTED_OBJECT, .key = key_of(i), .mtime = INT64_MIN };

	if (name->source == BROKEN) {
		item.kind = LISTED_FAILED;
	} else if (name->told) {
		item.size = name->now.size;
		item.mtime = name->now.mtime;
		item.etag = name->now.etag;
	}
	return item;
}

static void plan_queue(void)
{
	struct object_record records[NAMES];

	for (unsigned i = 0; i < queued; i++) {
		records[i] = draw_record(queue[i]);
		if (names[queue[i]].source == BROKEN) {
			records[i].state = OBJECT_FAILED;
			records[i].fail = FAIL_UNLISTED;
		}
	}
	if (queued)
		lay(BATCH_SORTED, queue, records, queued);
	queued = 0;
}

static void note(struct walk *w, unsigned i)
{
	w->position = (int)i;
	w->orphaned = task.orphaned;
}

static void feed(struct walk *w, unsigned i)
{
	struct key_item item = item_of(i);
	struct object_slot slot;
	struct older older, model;

	names[i].fed = true;
	model = expect(i, &item);
	WELL(delta_match(w->delta, &item, &older, &err));
	check_older(i, &older, &model);
	if (older.own) {
		note(w, i);
		return;
	}
	if (w->ahead < NAMES)
		return;
	expect_again(i, &item, &model);
	WELL(delta_look_again(w->delta, session, &slot, &item, &older, &err));
	check_older(i, &older, &model);
	if (older.settled)
		return;
	note(w, i);
	queue[queued++] = i;
	if (!draw(12))
		plan_queue();
}

static void step(struct walk *w, unsigned i)
{
	if (names[i].source == GONE)
		return;
	if (is_brought(i)) {
		feed(w, i);
	} else if (w->ahead == NAMES) {
		WELL(delta_pass_over(w->delta, key_of(i), &err));
		note(w, i);
	}
}

static void open_walk(struct walk *w)
{
	struct migrate_bytes after =
	    w->position < 0 ? bytes_of(NULL, 0) : key_of((unsigned)w->position);

	find_own();
	w->delta = delta_open(&task, after, &err);
	ck_assert_msg(w->delta != NULL, "%s", err.text);
}

/* This run ends, and another one goes on behind the last position. Returns its name. */
static int interrupt(struct walk *w)
{
	plan_queue();
	delta_close(w->delta);
	task.orphaned = w->orphaned;
	for (unsigned i = 0; i < NAMES; i++)
		if (names[i].closed)
			before[i].record.state = OBJECT_GONE;
	open_walk(w);
	return w->position;
}

static void walk(struct walk *w, unsigned interruptions, int ahead)
{
	int last = -1;

	open_walk(w);
	for (int i = 0; i < NAMES; i++) {
		if (interruptions && !draw(5)) {
			i = interrupt(w) + 1;
			interruptions--;
		}
		if (i == ahead) {
			plan_queue();
			delta_look_ahead(w->delta);
			w->ahead = last;
		}
		step(w, (unsigned)i);
		if (names[i].source != GONE)
			last = i;
	}
	plan_queue();
	if (w->ahead == NAMES)
		WELL(delta_finish(w->delta, &err));
	delta_close(w->delta);
}

/* ---- What came of it ---- */

/* It was passed by in this run, and nobody brought it. */
static bool is_passed_by(const struct walk *w, unsigned i)
{
	return before[i].known && !is_brought(i) && !is_unlisted(i) && (int)i <= w->ahead;
}

static bool is_orphan(const struct walk *w, unsigned i)
{
	bool gone = job.keys_from == KEYS_FROM_SOURCE && is_passed_by(w, i);

	if (job.keys_from != KEYS_FROM_SOURCE && names[i].fed && (int)i <= w->ahead)
		gone = !names[i].told && names[i].answer == MIGRATE_NOT_FOUND && before[i].known &&
		       !before[i].retried;
	return gone && is_ours(&before[i].record) && is_selected(i);
}

static void check_place(const struct walk *w, unsigned i)
{
	const struct name *b = &before[i];
	struct batch *in = journal_load(task.journal, b->batch, &err);
	const struct object_record *o;
	uint8_t state = b->record.state;
	const char *says = b->record.message;

	ck_assert_msg(in != NULL, "%s", err.text);
	o = &in->objects[b->n];
	if (names[i].closed ||
	    (is_passed_by(w, i) && failed_for_its_key(&b->record) && !task.read_only)) {
		bool unlisted = b->record.fail == FAIL_UNLISTED;

		state = unlisted || !is_selected(i) ? OBJECT_SKIPPED : OBJECT_GONE;
		says = unlisted         ? "listed since"
		       : is_selected(i) ? "not listed any more"
					: "left out by the selection since";
	}
	if (names[i].batch != b->batch || names[i].n != b->n)
		state = OBJECT_MOVED;
	ck_assert_msg(o->state == state && !strcmp(o->message ? o->message : "", says ? says : ""),
		      "%s: %u, not %u: %s", names[i].text, o->state, state, o->message);
	batch_free(in);
}

static void check_journal(const struct walk *w)
{
	int64_t after = 0;
	uint64_t orphans = 0;
	struct batch *b;

	for (unsigned i = 0; i < NAMES; i++) {
		orphans += is_orphan(w, i);
		if (before[i].known)
			check_place(w, i);
	}
	ck_assert_uint_eq(task.orphaned, orphans);
	if (w->ahead == NAMES)
		ck_assert_uint_eq(task.pass.orphaned, orphans);
	while ((b = journal_next_batch(task.journal, after, &err))) { /* its counters fit */
		after = b->id;
		batch_free(b);
	}
	ck_assert_msg(!error_is_set(&err), "%s", err.text);
}

/* ---- Tests ---- */

static void draw_job(void)
{
	static const char *beginnings[] = { NULL, NULL, "ab", "b", "a-" };
	static const char *patterns[] = { NULL, NULL, "ab*", "b*", "a-*" };
	static const int64_t ticks[] = { 0, 1, NS_PER_S };
	unsigned which = draw(5);

	excluded = beginnings[which];
	if (excluded)
		job.selection.exclude =
		    (struct migrate_strings){ .items = &patterns[which], .n = 1 };
	job.copy.on_conflict = draw(2) ? CONFLICT_SKIP : CONFLICT_FAIL;
	job.copy.changes = draw(3) ? CHANGES_ATTRIBUTES : CHANGES_CONTENT;
	task.ends.source_facts.d.mtime_resolution = ticks[draw(3)];
	task.ends.source_facts.d.flags = draw(4) ? 0 : MIGRATE_ETAG_OF_ALL;
	task.relation = draw(2) ? ENDS_SAME : ENDS_APART;
}

static void check_delta(int from, unsigned interruptions, bool ahead)
{
	struct walk w = { .position = -1, .ahead = NAMES };
	int last = (int)(1 + draw(PASSES));

	set_up();
	act = answer;
	job.keys_from = from;
	draw_job();
	draw_names();
	for (pass = 1; pass <= last; pass++)
		make_pass();
	task.pass.number = pass;
	if (draw(2))
		retry_some();
	draw_source();
	memcpy(before, names, sizeof(before));
	walk(&w, interruptions, ahead ? (int)draw(NAMES) : -1);
	check_journal(&w);
	tear_down();
	arena_release(&memory);
}

START_TEST(keys_that_the_source_lists)
{
	sow(_i);
	check_delta(KEYS_FROM_SOURCE, 0, false);
}
END_TEST

START_TEST(keys_of_a_file_and_of_rows)
{
	sow(1000 + _i);
	check_delta(_i % 2 ? KEYS_FROM_FILE : KEYS_FROM_DATABASE, 0, false);
}
END_TEST

START_TEST(a_pass_that_other_runs_go_on_with)
{
	sow(2000 + _i);
	check_delta(_i % 3, 30, false);
}
END_TEST

START_TEST(keys_that_are_left_for_later)
{
	sow(3000 + _i);
	check_delta(_i % 3, 0, true);
}
END_TEST

START_TEST(a_journal_that_is_only_read)
{
	sow(4000 + _i);
	task.read_only = true;
	check_delta(_i % 3, 0, false);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, keys_that_the_source_lists, 0, 16);
	tcase_add_loop_test(t, keys_of_a_file_and_of_rows, 0, 12);
	tcase_add_loop_test(t, a_pass_that_other_runs_go_on_with, 0, 16);
	tcase_add_loop_test(t, keys_that_are_left_for_later, 0, 9);
	tcase_add_loop_test(t, a_journal_that_is_only_read, 0, 6);
}

int main(void)
{
	return run_fixture_suite("delta", add);
}
