/* SPDX-License-Identifier: MIT */
#include "cmd/status-find.h"

#include "base/bytes.h"
#include "cmd/print.h"
#include "engine/status/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FOUND_MAX 1000

struct lister {
	struct json_stream stream;
	bool json;
	uint64_t n;
};

static void begin_list(struct lister *l, const char *name)
{
	struct json *j;

	if (!l->json)
		return;
	j = json_stream_begin(&l->stream);
	json_object(j, NULL);
	json_int(j, "version", 1);
	json_array(j, name);
}

static void next_list(struct lister *l, const char *name)
{
	if (!l->json)
		return;
	json_end_array(&l->stream.json);
	json_array(&l->stream.json, name);
}

static void end_list(struct lister *l)
{
	if (!l->json)
		return;
	json_end_array(&l->stream.json);
	json_end_object(&l->stream.json);
	json_stream_end(&l->stream);
}

/* ---- --failed ---- */

static int print_failed(void *arg, const struct batch *b, uint32_t n, const struct object_record *o)
{
	struct lister *l = arg;

	(void)n;
	l->n++;
	if (l->json) {
		object_json(&l->stream.json, b, o);
		json_stream_flush(&l->stream);
		return 0;
	}
	print_key(o->key);
	printf("\t%s\t", fail_class_name((enum fail_class)o->fail));
	print_text(o->message);
	printf("\t%u\n", (unsigned)o->attempts);
	return 0;
}

/* A text that was given up has no change to show. */
static void print_change(const struct chunk *c, const struct row_record *r)
{
	struct row_shown shown;

	row_shown(r, &shown);
	if (c->texts && !shown.places)
		return;
	printf("\t");
	print_key(shown.old);
	printf(" -> ");
	print_key(shown.new);
}

static int print_bad_row(void *arg, int64_t batch, const struct chunk *c,
			 const struct row_record *r)
{
	struct lister *l = arg;

	(void)batch;
	l->n++;
	if (l->json) {
		row_json(&l->stream.json, c, r);
		json_stream_flush(&l->stream);
		return 0;
	}
	printf("databases[%" PRIu32 "] ", c->database);
	print_text(r->text);
	printf("\trow %s\t", outcome_name(r->outcome));
	print_text(r->message);
	print_change(c, r);
	putchar('\n');
	return 0;
}

int status_failed(struct journal *j, bool json, struct error *err)
{
	struct lister l = { .json = json };
	int result;

	begin_list(&l, "failed");
	result = journal_each_failed(j, FAIL_NONE, print_failed, &l, err);
	next_list(&l, "rows");
	if (!result)
		result = journal_each_bad_row(j, print_bad_row, &l, err);
	end_list(&l);
	return result;
}

/* ---- --find ---- */

static int print_found(void *arg, const struct batch *b, uint32_t n, const struct object_record *o)
{
	struct lister *l = arg;

	(void)n;
	l->n++;
	if (l->json) {
		object_json(&l->stream.json, b, o);
		json_stream_flush(&l->stream);
		return 0;
	}
	printf("%s\t", object_state_name(o->state));
	print_key(o->key);
	printf("\t");
	print_key(o->new_key);
	putchar('\n');
	return 0;
}

int status_find(struct journal *j, const char *text, bool json, struct error *err)
{
	struct lister l = { .json = json };
	int result;

	begin_list(&l, "found");
	result = journal_search(j, bytes_of_text(text), FOUND_MAX, print_found, &l, err);
	end_list(&l);
	if (!result && l.n == FOUND_MAX)
		fprintf(stderr, "migrate-status: only the first %d are shown\n", FOUND_MAX);
	return result;
}
