/* SPDX-License-Identifier: MIT */
#include "engine/seed/seed.h"

#include "base/bytes.h"
#include "engine/seed/png.h"
#include "plugin/end.h"
#include "plugin/stream.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 1000 /* rows inserted at once */
#define NAME "avatar-%06d.png"

struct seed {
	const struct job *job;
	const struct seed_options *options;
	struct seed_result *result;
	struct host host;
	struct seed_pattern pattern;
	struct buf key;
};

/* One end, open for a while. */
struct opened {
	struct end *end;
	struct migrate_session *session;
	enum migrate_precondition precondition; /* of objects: it was seen to be empty */
};

static int out_of_memory(struct error *err)
{
	return error_set(err, EXIT_INTERNAL, "out of memory");
}

static int open_end(struct seed *s, const struct job_end *end, struct opened *o, struct error *err)
{
	o->end = end_open(&s->host, end->label, end->descriptor, end->config, END_WRITES, err);
	o->session = o->end ? session_open(o->end, err) : NULL;
	return o->session ? 0 : -1;
}

static void close_end(struct opened *o)
{
	if (o->session)
		session_close(o->session);
	if (o->end)
		end_close(o->end);
}

/* ---- Names ---- */

/* What the job's keys begin with: the selection's prefix, else that of the first rule with one. */
static struct migrate_bytes find_prefix(const struct job *job)
{
	struct migrate_bytes prefix = job->selection.prefix;

	for (size_t i = 0; !prefix.n && i < rename_rules_count(job->rules); i++)
		prefix = rename_rule_prefix(job->rules, i);
	return prefix;
}

static int choose_pattern(struct seed *s, struct error *err)
{
	struct migrate_bytes prefix = find_prefix(s->job);
	struct buf text = BUF_INIT(2 * MIGRATE_KEY_MAX + 64);
	bool room = true;
	int result;

	if (s->options->pattern)
		return seed_pattern_parse(&s->pattern, s->options->pattern, err);
	for (size_t i = 0; i < prefix.n; i++) {
		const char *c = (const char *)prefix.p + i;

		room &= buf_add(&text, c, 1) && (*c != '%' || buf_add(&text, "%", 1));
	}
	room &= buf_add(&text, NAME, sizeof(NAME));
	result =
	    room ? seed_pattern_parse(&s->pattern, (const char *)text.p, err) : out_of_memory(err);
	buf_release(&text);
	return result;
}

static int key_of(struct seed *s, uint64_t index, struct error *err)
{
	if (seed_pattern_key(&s->pattern, index, &s->key))
		return 0;
	return error_set(err, EXIT_USAGE, "the names are longer than a key may be");
}

/* Images that the job would pass over are no trial. */
static int check_seed_rules(struct seed *s, struct error *err)
{
	struct rename_scratch *scratch = rename_scratch_new(s->job->rules);
	struct migrate_bytes new_key, key = bytes_of(s->key.p, s->key.len);
	enum rename_result result;
	size_t rule;

	if (!scratch)
		return out_of_memory(err);
	result = rename_apply(s->job->rules, scratch, key, &new_key, &rule, err);
	rename_scratch_free(scratch);
	if (result == RENAME_FAILED)
		return -1;
	if (result == RENAME_UNMATCHED && s->job->unmatched != UNMATCHED_KEEP &&
	    rename_rules_count(s->job->rules))
		return error_set(err, EXIT_USAGE,
				 "no rule of the job renames '%.*s': choose names with --pattern",
				 (int)key.n, (const char *)key.p);
	return 0;
}

static int check_seed_names(struct seed *s, struct error *err)
{
	const char *why = "";

	if (key_of(s, 1, err))
		return -1;
	if (!selection_takes(&s->job->selection, bytes_of(s->key.p, s->key.len), &why))
		return error_set(err, EXIT_USAGE,
				 "the job does not take '%.*s' (%s): choose names with --pattern",
				 (int)s->key.len, (const char *)s->key.p, why);
	return check_seed_rules(s, err);
}

/* ---- Only what is empty ---- */

static bool holds_object(const struct list_page *page, struct migrate_bytes *key)
{
	for (size_t i = 0; i < page->n; i++)
		if (page->items[i]->kind != LISTED_SKIPPED) {
			*key = page->items[i]->key;
			return true;
		}
	return false;
}

/* Behind this page: where its cursor says, else behind its last key. */
static bool go_on(struct arena *a, const struct list_page *page, struct migrate_list *r)
{
	if (page->n && !arena_bytes(a, page->items[page->n - 1]->key, &r->after))
		return false;
	return arena_bytes(a, page->cursor, &r->cursor);
}

static int check_store(struct opened *o, struct error *err)
{
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .limit = 1 };
	struct store_facts facts = { .kept_count = 0 };
	ARENA_AUTO struct arena arena = ARENA_INIT;
	enum migrate_status status = store_describe(o->session, &facts);
	struct migrate_bytes key;
	bool taken = false;
	int result = 0;

	store_facts_release(&facts);
	while (status == MIGRATE_OK) {
		status = store_list(o->session, &r, &page);
		taken = status == MIGRATE_OK && holds_object(&page, &key);
		if (taken || page.done)
			break;
		if (status == MIGRATE_OK && !go_on(&arena, &page, &r))
			status = MIGRATE_FATAL;
	}
	if (status != MIGRATE_OK)
		result = session_error(err, EXIT_USAGE, o->session, status);
	else if (taken)
		result = error_set(err, EXIT_USAGE,
				   "%s: not empty, it holds '%.*s': only an empty source is seeded",
				   end_label(o->end), (int)key.n, (const char *)key.p);
	list_page_release(&page);
	return result;
}

static int check_table(struct opened *o, struct error *err)
{
	uint64_t rows;
	enum migrate_status status = database_count(o->session, &rows);

	if (status != MIGRATE_OK)
		return session_error(err, EXIT_USAGE, o->session, status);
	if (rows)
		return error_set(err, EXIT_USAGE,
				 "%s: not empty, it has %llu rows: only empty tables are seeded",
				 end_label(o->end), (unsigned long long)rows);
	return 0;
}

/* ---- Objects ---- */

static int put_one(struct opened *o, struct migrate_body *body, const struct buf *key,
		   const struct buf *image, const struct migrate_attributes *attributes,
		   struct error *err)
{
	struct object_slot slot;
	struct migrate_put r = { .key = bytes_of(key->p, key->len),
				 .size = image->len,
				 .body = body,
				 .attributes = attributes,
				 .precondition = o->precondition,
				 .object = &slot.object };
	enum migrate_status status;

	object_slot_init(&slot, NULL);
	body_memory_begin(body, o->session, image->p, image->len);
	status = store_put(o->session, &r);
	if (status == MIGRATE_OK)
		return 0;
	session_error(err, EXIT_INTERNAL, o->session, status);
	return error_prefix(err, "'%.*s'", (int)key->len, (const char *)key->p);
}

static int put_images(struct seed *s, struct opened *o, struct migrate_body *body,
		      const struct migrate_attributes *attributes, struct error *err)
{
	struct buf image = BUF_INIT(SEED_SIZE_MAX + 65536);
	int result = 0;

	for (uint64_t i = 1; !result && i <= s->options->count; i++) {
		result = key_of(s, i, err);
		if (!result && !png_make(i, s->options->size, &image))
			result = out_of_memory(err);
		if (!result)
			result = put_one(o, body, &s->key, &image, attributes, err);
		s->result->objects += !result;
		s->result->bytes += result ? 0 : image.len;
	}
	buf_release(&image);
	return result;
}

/*
 * What objects are written with: the content type where the source keeps one, so that
 * the copy has something to carry, and the condition that it honours.
 */
static struct migrate_attributes *attributes_of(struct opened *o)
{
	static const char type[] = "image/png";
	struct store_facts facts = { .kept_count = 0 };
	struct migrate_attributes *a = NULL;

	if (store_describe(o->session, &facts) == MIGRATE_OK && facts.d.flags & MIGRATE_PUT_ABSENT)
		o->precondition = MIGRATE_ABSENT;
	if (store_keeps(&facts, "content-type", sizeof(type) - 1))
		a = attributes_new();
	store_facts_release(&facts);
	if (a && !migrate_set_attribute(a, "content-type", type, sizeof(type) - 1)) {
		attributes_free(a);
		a = NULL;
	}
	return a;
}

static int fill_store(struct seed *s, struct opened *o, struct error *err)
{
	struct migrate_attributes *attributes = attributes_of(o);
	struct migrate_body *body = body_memory();
	enum migrate_status status;
	int result = body ? put_images(s, o, body, attributes, err) : out_of_memory(err);

	body_free(body);
	attributes_free(attributes);
	if (result)
		return -1;
	status = store_sync(o->session);
	if (status == MIGRATE_OK || status == MIGRATE_UNSUPPORTED)
		return 0;
	return session_error(err, EXIT_INTERNAL, o->session, status);
}

/* ---- Rows ---- */

/* Rows for the keys from..from+n-1; values live in a. */
static int insert_chunk(struct seed *s, struct opened *o, const struct value_pattern *pattern,
			uint64_t from, size_t n, struct arena *a, struct error *err)
{
	struct migrate_bytes *values = arena_alloc(a, n * sizeof(*values));
	BUF_AUTO struct buf value = BUF_INIT(MIGRATE_KEY_MAX);
	struct migrate_insert r = { .values = values, .count = n };
	enum migrate_status status;

	for (size_t i = 0; values && i < n; i++) {
		if (key_of(s, from + i, err))
			return -1;
		buf_reset(&value);
		if (!value_pattern_encode(pattern, bytes_of(s->key.p, s->key.len), &value))
			return error_set(err, EXIT_USAGE, "%s: the values are too long",
					 end_label(o->end));
		if (!arena_bytes(a, bytes_of(value.p, value.len), &values[i]))
			return out_of_memory(err);
	}
	if (!values)
		return out_of_memory(err);
	status = database_insert(o->session, &r);
	if (status != MIGRATE_OK)
		return session_error(err, EXIT_INTERNAL, o->session, status);
	s->result->rows += n;
	return 0;
}

static int fill_table(struct seed *s, struct opened *o, const struct value_pattern *pattern,
		      struct error *err)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	uint64_t count = s->options->count;

	for (uint64_t from = 1; from <= count; from += CHUNK) {
		uint64_t left = count - from + 1;
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		arena_reset(&a);
		if (insert_chunk(s, o, pattern, from, n, &a, err))
			return -1;
	}
	return 0;
}

/* ---- All of it ---- */

/* Everything is looked at before anything is written; objects come before the rows. */
static int seed_open(struct seed *s, struct opened *source, struct opened *tables,
		     struct error *err)
{
	size_t n = s->job->database_count;
	int result = open_end(s, &s->job->source, source, err);

	if (!result)
		result = check_store(source, err);
	for (size_t i = 0; !result && i < n; i++) {
		result = open_end(s, &s->job->databases[i].end, &tables[i], err);
		if (!result)
			result = check_table(&tables[i], err);
	}
	if (!result)
		result = fill_store(s, source, err);
	for (size_t i = 0; !result && i < n; i++)
		result = fill_table(s, &tables[i], s->job->databases[i].value, err);
	return result;
}

static int seed_ends(struct seed *s, struct error *err)
{
	size_t n = s->job->database_count;
	struct opened source = { .end = NULL };
	struct opened *tables = calloc(n + 1, sizeof(*tables));
	int result;

	if (!tables)
		return out_of_memory(err);
	result = seed_open(s, &source, tables, err);
	for (size_t i = 0; i < n; i++)
		close_end(&tables[i]);
	close_end(&source);
	free(tables);
	return result;
}

int seed_job(const struct job *job, const struct seed_options *options, struct seed_result *result,
	     struct error *err)
{
	struct seed s = {
		.job = job, .options = options, .result = result, .key = BUF_INIT(MIGRATE_KEY_MAX)
	};
	int status;

	*result = (struct seed_result){ .objects = 0 };
	if (host_init(&s.host, "0000000000000000", job->timeout, err))
		return -1;
	status = choose_pattern(&s, err);
	if (!status)
		status = check_seed_names(&s, err);
	if (!status)
		status = seed_ends(&s, err);
	seed_pattern_release(&s.pattern);
	buf_release(&s.key);
	host_release(&s.host);
	return status;
}
