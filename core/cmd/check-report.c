/* SPDX-License-Identifier: MIT */
#include "cmd/check-report.h"

#include "cmd/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 34
#define VERDICT_WIDTH 8

/* ---- For people ---- */

/* "  put: only where nothing is         yes      one request an object" */
static void print_finding(const struct finding *f)
{
	static const char *const verdicts[] = { [MIGRATE_FINDS_NO] = "no",
						[MIGRATE_FINDS_YES] = "yes",
						[MIGRATE_FINDS_VALUE] = "",
						[MIGRATE_FINDS_UNKNOWN] = "unknown" };
	const char *verdict = verdicts[f->verdict];
	size_t n = strlen(f->name);

	printf("  ");
	print_text(f->name);
	printf("%*s %s", (int)(n < NAME_WIDTH ? NAME_WIDTH - n : 0), "", verdict);
	if (f->said || f->follows)
		printf("%*s", (int)(VERDICT_WIDTH - strlen(verdict)), "");
	print_text(f->said);
	if (f->said && f->follows)
		printf("; ");
	print_text(f->follows);
	putchar('\n');
}

void print_card(const struct probe *p, const struct open_end *o)
{
	printf("destination, tried with %" PRIu64 " scratch objects:\n", p->written);
	for (size_t i = 0; i < p->own && i < p->findings.n; i++)
		print_finding(&p->findings.items[i]);
	if (p->own < p->findings.n) {
		printf("destination, in the words of ");
		print_text(o->job->plugin);
		printf(":\n");
	}
	for (size_t i = p->own; i < p->findings.n; i++)
		print_finding(&p->findings.items[i]);
}

/* ---- For programs ---- */

static void json_findings(struct json *j, const struct probe *p)
{
	static const char *const verdicts[] = { [MIGRATE_FINDS_NO] = "no",
						[MIGRATE_FINDS_YES] = "yes",
						[MIGRATE_FINDS_VALUE] = "value",
						[MIGRATE_FINDS_UNKNOWN] = "unknown" };

	json_array(j, "findings");
	for (size_t i = 0; i < p->findings.n; i++) {
		const struct finding *f = &p->findings.items[i];

		json_object(j, NULL);
		json_text(j, "by", i < p->own ? "core" : "plugin");
		json_text(j, "name", f->name);
		json_text(j, "verdict", verdicts[f->verdict]);
		json_text(j, "said", f->said);
		json_text(j, "follows", f->follows);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_texts(struct json *j, const char *name, const char *const *items, size_t n)
{
	json_array(j, name);
	for (size_t i = 0; i < n; i++)
		json_text(j, NULL, items[i]);
	json_end_array(j);
}

static void json_end(struct json *j, const struct open_end *o)
{
	json_object(j, NULL);
	json_text(j, "end", o->job->label);
	json_text(j, "plugin", o->job->plugin);
	json_text(j, "identity", o->identity);
	json_end_object(j);
}

static void json_ends(struct json *j, const struct ends *e)
{
	json_array(j, "ends");
	json_end(j, &e->source);
	json_end(j, &e->destination);
	for (size_t i = 0; i < e->database_count; i++)
		json_end(j, &e->databases[i]);
	for (size_t i = 0; i < e->cache_count; i++)
		json_end(j, &e->caches[i]);
	json_end_array(j);
}

static void json_keys(struct json *j, const struct check *c)
{
	json_object(j, "keys");
	json_uint(j, "listed", c->listed);
	json_uint(j, "taken", c->taken);
	json_uint(j, "bytes", c->bytes);
	json_bool(j, "all", c->whole);
	json_end_object(j);
}

void print_check_json(const struct check *c, int exit)
{
	struct json_stream stream;
	struct json *j = json_stream_begin(&stream);

	json_object(j, NULL);
	json_int(j, "version", 1);
	json_text(j, "job", c->task.job->name);
	json_int(j, "exit", exit);
	if (c->task.open) {
		json_ends(j, &c->task.ends);
		json_keys(j, c);
	}
	if (c->task.open && c->probed) {
		json_object(j, "probe");
		json_text(j, "scratch", c->probe.prefix);
		json_uint(j, "written", c->probe.written);
		json_findings(j, &c->probe);
		json_texts(j, "left", c->probe.left.items, c->probe.left.n);
		json_end_object(j);
	}
	json_texts(j, "warnings", c->warnings.items, c->warnings.n);
	json_texts(j, "problems", c->problems.items, c->problems.n);
	json_end_object(j);
	json_stream_end(&stream);
}
