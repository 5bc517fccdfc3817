/* SPDX-License-Identifier: MIT */
#include "engine/check/check.h"

#include "base/array.h"
#include "base/bytes.h"
#include "base/escape.h"
#include "engine/task/scratch.h"
#include "engine/texts/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One page of the source's keys, through selection and rules, up to the destination's door. */

#define PAGE 1000
#define LOOKED_AT 20 /* objects whose attributes are read */
#define NAMED 3      /* problems of one sort that are named; the rest is counted */

struct keys {
	struct check *check;
	struct rename_scratch *scratch;
	struct migrate_bytes *news; /* new keys of the page, for collisions */
	size_t n;
	size_t looked_at;
	struct buf lost;
	struct migrate_attributes *attributes;
};

static const char *shown_sample(struct check *c, struct migrate_bytes key)
{
	BUF_AUTO struct buf b = BUF_INIT(1024);
	const char *text;

	escape_add(&b, key.p, key.n);
	text = arena_copy(&c->arena, b.p, b.len);
	return text ? text : "";
}

static void add_key_sample(struct check *c, struct migrate_bytes old, struct migrate_bytes new,
			   const char *why)
{
	struct check_sample s = { .why = arena_text(&c->arena, why) };

	if (c->sample_count == CHECK_SAMPLES || !arena_bytes(&c->arena, old, &s.old) ||
	    !arena_bytes(&c->arena, new, &s.new))
		return;
	c->samples[c->sample_count++] = s;
}

/* ---- New keys ---- */

static void no_rule_matched(struct check *c, struct migrate_bytes key)
{
	if (c->task.job->unmatched != UNMATCHED_FAIL || c->unmatched++ >= NAMED)
		return;
	check_problem(c, "rename: no rule matches '%s': add one, or say unmatched: keep or skip",
		      shown_sample(c, key));
}

/* False: this key gets none. */
static bool make_new_key(struct keys *k, struct migrate_bytes key, struct migrate_bytes *new,
			 const char **why)
{
	struct check *c = k->check;
	const struct rename_rules *rules = c->task.job->rules;
	struct error err = ERROR_INIT;
	size_t rule;

	*new = key;
	*why = "as it is";
	if (!rename_rules_count(rules))
		return true;
	switch (rename_apply(rules, k->scratch, key, new, &rule, &err)) {
	case RENAME_OK:
		*why = rename_rule_text(rules, rule);
		return true;
	case RENAME_UNMATCHED:
		*new = key;
		no_rule_matched(c, key);
		return c->task.job->unmatched == UNMATCHED_KEEP;
	case RENAME_FAILED:
		break;
	}
	if (c->refused++ < NAMED)
		check_problem(c, "rename: '%s': %s", shown_sample(c, key), err.text);
	return false;
}

static void check_accepted(struct check *c, struct migrate_bytes key, struct migrate_bytes new)
{
	struct migrate_session *s = c->task.ends.destination.session;
	enum migrate_status status = store_accepts(s, new);

	if (status == MIGRATE_OK || status == MIGRATE_UNSUPPORTED || c->refused++ >= NAMED)
		return;
	check_problem(c, "destination: '%s' cannot stand there as '%s': %s", shown_sample(c, key),
		      shown_sample(c, new), session_message(s));
}

static int compare_seen(const void *a, const void *b)
{
	return bytes_compare(*(const struct migrate_bytes *)a, *(const struct migrate_bytes *)b);
}

static void check_collisions(struct keys *k)
{
	struct check *c = k->check;

	array_sort(k->news, k->n, sizeof(*k->news), compare_seen);
	for (size_t i = 1; i < k->n; i++)
		if (bytes_equal(k->news[i], k->news[i - 1]) && c->colliding++ < NAMED)
			check_problem(c, "rename: more than one key becomes '%s'",
				      shown_sample(c, k->news[i]));
}

/* ---- Attributes ---- */

static bool is_noted(const struct buf *b, const char *name)
{
	return b->len && memmem(b->p, b->len, name, strlen(name));
}

static bool is_kept_attribute(const struct check *c, const char *name, size_t n)
{
	const struct store_facts *to = &c->task.ends.destination_facts;

	return store_keeps(to, name, n) && !store_doubts(to, &c->task.ends.source_facts, name);
}

static void note_lost(struct keys *k)
{
	size_t n = migrate_attribute_count(k->attributes);

	for (size_t i = 0; i < n; i++) {
		const char *name;
		struct migrate_bytes value;

		if (!migrate_attribute_at(k->attributes, i, &name, &value) ||
		    is_kept_attribute(k->check, name, value.n) || is_noted(&k->lost, name))
			continue;
		if (k->lost.len)
			buf_add_text(&k->lost, ", ");
		escape_add(&k->lost, name, strlen(name));
	}
}

static void check_key(struct keys *k, struct migrate_bytes key)
{
	struct check *c = k->check;
	struct object_slot slot;
	struct migrate_stat r = { .key = key, .object = &slot.object };
	enum migrate_status status;

	if (k->looked_at++ >= LOOKED_AT)
		return;
	attributes_reset(k->attributes);
	object_slot_init(&slot, k->attributes);
	status = store_stat(c->task.ends.source.session, &r);
	if (status == MIGRATE_OK)
		note_lost(k);
	else if (status == MIGRATE_NOT_FOUND && c->task.job->keys_from == KEYS_FROM_DATABASE)
		check_warning(c, "source: '%s' is not there, but a row names it: it is left alone",
			      shown_sample(c, key));
	else
		check_problem(c, "source: '%s': %s: %s", shown_sample(c, key), status_name(status),
			      session_message(c->task.ends.source.session));
}

static void say_what_is_lost(struct keys *k)
{
	struct check *c = k->check;

	if (!k->lost.len || c->task.job->copy.attributes == ATTRIBUTES_DROP)
		return;
	c->lost = arena_copy(&c->arena, k->lost.p, k->lost.len);
	if (c->task.job->copy.attributes == ATTRIBUTES_FAIL)
		check_problem(c, "destination: it does not keep %s, and copy.attributes is fail",
			      c->lost);
	else
		check_warning(c, "destination: it does not keep %s", c->lost);
}

/* ---- One page ---- */

/* Texts of the page of rows are searched for the keys of the page of keys. */
static void note_for_texts(struct check *c, struct migrate_bytes key, struct migrate_bytes new)
{
	struct error err = ERROR_INIT;

	if (!job_has_texts(c->task.job))
		return;
	if (!c->known)
		c->known = known_new(&c->task, PAGE, &err);
	if (!c->known || known_add(c->known, key, new, &err))
		check_problem(c, "%s", err.text);
}

static void take_key(struct keys *k, struct migrate_bytes key)
{
	struct check *c = k->check;
	struct migrate_bytes new;
	const char *why, *pattern;

	c->listed++;
	if (scratch_is_key(key) || !selection_takes(&c->task.job->selection, key, &pattern)) {
		c->passed_over++;
		return;
	}
	if (!make_new_key(k, key, &new, &why)) {
		add_key_sample(c, key, bytes_of(NULL, 0), "no rule matches");
		return;
	}
	c->taken++;
	add_key_sample(c, key, new, why);
	note_for_texts(c, key, new);
	check_accepted(c, key, new);
	if (arena_bytes(&c->arena, new, &k->news[k->n]))
		k->n++;
	check_key(k, key);
}

static void take_listed(struct keys *k, const struct listed *item)
{
	struct check *c = k->check;

	if (item->kind == LISTED_OBJECT) {
		c->bytes += item->object.size;
		take_key(k, item->key);
	} else if (item->kind == LISTED_SKIPPED) {
		c->passed_over++;
	} else if (c->unlisted++ < NAMED) {
		check_problem(c, "source: cannot list '%s': %s: %s", shown_sample(c, item->key),
			      status_name(item->status), item->message ? item->message : "");
	}
}

static void take_page(struct keys *k)
{
	struct check *c = k->check;
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = c->task.job->selection.prefix, .limit = PAGE };
	struct migrate_session *s = c->task.ends.source.session;
	enum migrate_status status = store_list(s, &r, &page);
	struct error err = ERROR_INIT;

	if (status == MIGRATE_OK) {
		for (size_t i = 0; i < page.n && i < PAGE; i++)
			take_listed(k, page.items[i]);
		c->whole = page.done && page.n <= PAGE;
	} else {
		session_error(&err, EXIT_USAGE, s, status);
		check_problem(c, "%s", err.text);
	}
	list_page_release(&page);
}

/* Keys of the first rows of the first database. */
static void take_rows(struct keys *k)
{
	struct check *c = k->check;
	struct row_page page = ROW_PAGE_INIT;
	struct migrate_scan r = { .limit = PAGE };
	BUF_AUTO struct buf key = BUF_INIT(MIGRATE_KEY_MAX);

	if (!c->task.job->database_count)
		return;
	/* a failure is told by the database's own check */
	if (database_scan(c->task.ends.databases[0].session, &r, &page) == MIGRATE_OK) {
		for (size_t i = 0; i < page.n && i < PAGE; i++) {
			buf_reset(&key);
			if (value_pattern_decode(c->task.job->databases[0].value,
						 page.items[i].row.value, &key))
				take_key(k, bytes_of(key.p, key.len));
		}
		c->whole = page.done;
	}
	row_page_release(&page);
}

/* The first lines; a table's fields are the run's business. */
static void take_file(struct keys *k)
{
	struct check *c = k->check;
	FILE *f = fopen(c->task.job->keys_file, "re");
	int end = c->task.job->keys_format == KEYS_NUL ? '\0' : '\n';
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f) {
		check_problem(c, "keys.file: cannot open '%s': %s", c->task.job->keys_file,
			      strerrordesc_np(errno));
		return;
	}
	while (c->task.job->keys_format != KEYS_CSV && c->listed < PAGE &&
	       (n = getdelim(&line, &size, end, f)) > 0) {
		if (line[n - 1] == end)
			n--;
		if (n > 0 && n <= MIGRATE_KEY_MAX)
			take_key(k, bytes_of(line, (size_t)n));
	}
	c->whole = feof(f) && c->task.job->keys_format != KEYS_CSV;
	free(line);
	fclose(f);
}

static void take_keys(struct keys *k)
{
	switch (k->check->task.job->keys_from) {
	case KEYS_FROM_SOURCE:
		take_page(k);
		break;
	case KEYS_FROM_DATABASE:
		take_rows(k);
		break;
	case KEYS_FROM_FILE:
		take_file(k);
		break;
	}
}

void check_keys(struct check *c)
{
	struct keys k = { .check = c, .lost = BUF_INIT(4096) };

	k.scratch = rename_scratch_new(c->task.job->rules);
	k.attributes = attributes_new();
	k.news = calloc(PAGE + 1, sizeof(*k.news));
	if (k.scratch && k.attributes && k.news) {
		take_keys(&k);
		check_collisions(&k);
		say_what_is_lost(&k);
	} else {
		check_problem(c, "out of memory");
	}
	if (!c->listed && !c->problems.n)
		check_warning(c, "source: there is nothing that this job would take");
	free(k.news);
	if (k.attributes)
		attributes_free(k.attributes);
	if (k.scratch)
		rename_scratch_free(k.scratch);
	buf_release(&k.lost);
}
