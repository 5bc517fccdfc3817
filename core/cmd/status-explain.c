/* SPDX-License-Identifier: MIT */
#include "cmd/status-find.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/edits.h"
#include "cmd/print.h"
#include "engine/status/status.h"
#include "report/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* All that is known of one key. */
struct explained {
	struct migrate_bytes key;
	bool found; /* in the journal */
	struct object_record record;
	struct batch *batch; /* NULL: not found */
	uint32_t n;
	/* What the job file says of it. */
	const char *left_out; /* pattern or prefix of the selection; NULL: taken */
	enum rename_result renamed;
	struct migrate_bytes new_key;
	const char *rule;   /* NULL: none matched, or there are none */
	size_t rule_number; /* from 1 */
	struct error rule_error;
};

/* ---- Finding ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* \xNN -> the byte, as the escaping printer showed it. */
static struct migrate_bytes unescape(struct arena *a, const char *text)
{
	size_t n = strlen(text), at = 0;
	char *out = arena_alloc(a, n + 1);

	for (size_t i = 0; out && i < n; i++) {
		bool escaped = n - i >= 4 && text[i] == '\\' && text[i + 1] == 'x';
		int high = escaped ? hex_digit(text[i + 2]) : -1;
		int low = escaped ? hex_digit(text[i + 3]) : -1;

		if (high >= 0 && low >= 0) {
			out[at++] = (char)(high << 4 | low);
			i += 3;
		} else {
			out[at++] = text[i];
		}
	}
	return bytes_of(out, out ? at : 0);
}

struct by_new_key {
	struct migrate_bytes wanted, key;
	struct arena *arena;
	bool found;
};

static int compare_new_key(void *arg, const struct batch *b, uint32_t n,
			   const struct object_record *o)
{
	struct by_new_key *f = arg;

	(void)b;
	(void)n;
	if (f->found || !bytes_equal(o->new_key, f->wanted))
		return 0;
	f->found = arena_bytes(f->arena, o->key, &f->key);
	return 0;
}

/* 1: e->key stands in the journal, or is the new key of one that does. */
static int look_up_explained(struct journal *j, struct explained *e, struct arena *a,
			     struct error *err)
{
	struct by_new_key f = { .wanted = e->key, .arena = a };
	int64_t batch = 0;
	int found = journal_find_key(j, e->key, a, &e->record, &batch, &e->n, err);

	if (!found && e->key.n) {
		if (journal_search(j, e->key, 100000, compare_new_key, &f, err))
			return -1;
		if (f.found) {
			e->key = f.key;
			found = journal_find_key(j, e->key, a, &e->record, &batch, &e->n, err);
		}
	}
	if (found <= 0)
		return found;
	e->found = true;
	e->batch = journal_load(j, batch, err);
	return e->batch ? 1 : -1;
}

static int find_explained(struct journal *j, const char *text, struct explained *e, struct arena *a,
			  struct error *err)
{
	int found;

	e->key = bytes_of_text(text);
	found = look_up_explained(j, e, a, err);
	if (found || !strstr(text, "\\x"))
		return found < 0 ? -1 : 0;
	e->key = unescape(a, text);
	return look_up_explained(j, e, a, err) < 0 ? -1 : 0;
}

/* What the selection and the rules of the job file make of it. */
static void apply_rules(const struct subject *s, struct rename_scratch *scratch,
			struct explained *e)
{
	const char *why = "the selection";
	size_t rule = 0;

	if (!selection_takes(&s->selection, e->key, &why))
		e->left_out = why;
	if (!rename_rules_count(s->rules))
		return;
	e->renamed = rename_apply(s->rules, scratch, e->key, &e->new_key, &rule, &e->rule_error);
	if (e->renamed == RENAME_UNMATCHED)
		return;
	e->rule = rename_rule_text(s->rules, rule);
	e->rule_number = rule + 1;
}

/* ---- Telling ---- */

static void tell_rule(const struct explained *e, const struct subject *s)
{
	if (!s->has_job)
		return;
	if (e->left_out) {
		printf("  selection    left out by ");
		print_text(e->left_out);
		putchar('\n');
	}
	printf("  rule         ");
	if (e->rule) {
		printf("%zu: ", e->rule_number);
		print_text(e->rule);
	} else {
		printf("%s", rename_rules_count(s->rules) ? "none matches" : "there are none");
	}
	if (e->renamed == RENAME_FAILED) {
		printf(": ");
		print_text(e->rule_error.text);
	}
	putchar('\n');
}

static void tell_record(const struct explained *e)
{
	const struct object_record *o = &e->record;
	const struct batch *b = e->batch;
	char text[32];

	printf("  new key      ");
	print_key(o->new_key);
	format_bytes(text, sizeof(text), o->size);
	printf("\n  state        %s%s\n", object_state_name(o->state),
	       object_is_ours(o) ? ", the copy was made by this job" : "");
	if (o->state == OBJECT_FAILED) {
		printf("  failure      %s: ", fail_class_name((enum fail_class)o->fail));
		print_text(o->message);
		printf(" (%u attempts)\n", (unsigned)o->attempts);
	} else if (o->message) {
		printf("  because      ");
		print_text(o->message);
		putchar('\n');
	}
	printf("  size         %s\n", text);
	if (object_is_there(o))
		printf("  verified     %s\n", level_name(o->level));
	printf("  batch        %" PRId64 " of pass %d: %s", b->id, b->pass,
	       batch_state_name(b->state));
	if (b->began) {
		clock_format(b->began, text, sizeof(text));
		printf(", copying began %s", text);
	}
	putchar('\n');
}

static void tell_row(const struct chunk *c, const struct row_record *r)
{
	printf("  row          databases[%" PRIu32 "] ", c->database);
	print_text(r->text);
	printf(": ");
	print_key(r->before);
	printf(" -> ");
	print_key(r->after);
	printf(": %s", c->settled ? outcome_name(r->outcome) : "intended, outcome not known yet");
	if (r->message) {
		printf(" (");
		print_text(r->message);
		printf(")");
	}
	putchar('\n');
}

typedef void each_row(void *arg, const struct chunk *c, const struct row_record *r);

struct rows {
	uint32_t object;
	size_t n;
	each_row *each;
	void *arg;
};

/* A row of a text names several objects. */
static bool names_object(const struct row_record *r, uint32_t object)
{
	struct edits_reader reader;
	struct edit one;

	if (r->object == object)
		return true;
	edits_read(&reader, r->edits);
	while (edits_next(&reader, &one) == 1)
		if (one.object == object)
			return true;
	return false;
}

static int each_of_chunk(void *arg, struct chunk *c, struct error *err)
{
	struct rows *rows = arg;

	(void)err;
	for (uint32_t i = 0; i < c->n; i++) {
		if (!names_object(&c->rows[i], rows->object))
			continue;
		rows->each(rows->arg, c, &c->rows[i]);
		rows->n++;
	}
	return 0;
}

/* Of all batches: each copy of the key, each scan and each retry has rows of its own. */
static int for_rows(struct journal *j, const struct explained *e, struct rows *rows,
		    struct error *err)
{
	int64_t batch = 0;
	int more = 0;

	while (e->found &&
	       (more = journal_next_of_key(j, e->record.key, &batch, &rows->object, err)) == 1)
		if (journal_each_chunk(j, batch, each_of_chunk, rows, err))
			return -1;
	return more;
}

static void tell_each(void *arg, const struct chunk *c, const struct row_record *r)
{
	(void)arg;
	tell_row(c, r);
}

static int tell_explained(struct journal *j, const struct explained *e, const struct subject *s,
			  struct error *err)
{
	struct rows rows = { .each = tell_each };

	print_key(e->key);
	putchar('\n');
	tell_rule(e, s);
	if (!e->found) {
		if (e->rule && e->renamed == RENAME_OK) {
			printf("  new key      ");
			print_key(e->new_key);
			putchar('\n');
		}
		printf("  state        not in the journal%s\n",
		       e->left_out ? "" : ": not listed yet, or not at the source");
		return 0;
	}
	tell_record(e);
	if (for_rows(j, e, &rows, err))
		return -1;
	if (!rows.n)
		printf("  row          none\n");
	return 0;
}

static void json_each(void *arg, const struct chunk *c, const struct row_record *r)
{
	row_json(arg, c, r);
}

static int tell_json(struct journal *journal, const struct explained *e, struct error *err)
{
	struct json_stream stream;
	struct json *j = json_stream_begin(&stream);
	struct rows rows = { .each = json_each, .arg = j };
	int rc;

	json_object(j, NULL);
	json_int(j, "version", 1);
	json_key(j, "key", e->key);
	json_bool(j, "found", e->found);
	json_text(j, "left_out_by", e->left_out);
	json_text(j, "rule", e->rule);
	json_array(j, "objects");
	if (e->found)
		object_json(j, e->batch, &e->record);
	json_end_array(j);
	json_array(j, "rows");
	json_stream_flush(&stream);
	rc = for_rows(journal, e, &rows, err);
	json_end_array(j);
	json_end_object(j);
	json_stream_end(&stream);
	return rc;
}

int status_explain(struct journal *j, const struct subject *s, const char *key, bool json,
		   struct error *err)
{
	struct arena a ARENA_AUTO = ARENA_INIT;
	struct explained e = { .found = false };
	struct rename_scratch *scratch = s->has_job ? rename_scratch_new(s->rules) : NULL;
	int result = -1;

	if (s->has_job && !scratch)
		error_set(err, EXIT_INTERNAL, "out of memory");
	else
		result = find_explained(j, key, &e, &a, err);
	if (!result) {
		if (scratch)
			apply_rules(s, scratch, &e);
		result = json ? tell_json(j, &e, err) : tell_explained(j, &e, s, err);
	}
	if (e.batch)
		batch_free(e.batch);
	if (scratch)
		rename_scratch_free(scratch);
	return result;
}
