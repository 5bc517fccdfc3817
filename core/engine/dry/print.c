/* SPDX-License-Identifier: MIT */
#include "engine/dry/dry-impl.h"

#include "base/escape.h"
#include "report/progress.h"

#include <stdio.h>
#include <string.h>

static void print_key(struct migrate_bytes key)
{
	BUF_AUTO struct buf b = BUF_INIT(4 * MIGRATE_KEY_MAX);

	escape_add(&b, key.p, key.n);
	printf("%.*s", (int)b.len, b.p ? (char *)b.p : "");
}

static void print_message(const char *text)
{
	BUF_AUTO struct buf b = BUF_INIT(4 * ERROR_TEXT_MAX);

	escape_message(&b, text, strlen(text));
	printf("%.*s", (int)b.len, b.p ? (char *)b.p : "");
}

static void print_found(const char *what, uint64_t n, bool always)
{
	char text[32];

	if (!n && !always)
		return;
	format_count(text, sizeof(text), n);
	printf("%-34s %12s\n", what, text);
}

static void print_rule(const struct dry *d, size_t i)
{
	const struct dry_rule *r = &d->rules[i];
	char hits[32];

	if (!r->hits && i >= rename_rules_count(d->task.job->rules))
		return;
	format_count(hits, sizeof(hits), r->hits);
	if (i < rename_rules_count(d->task.job->rules) && i < DRY_RULES)
		printf("rule %zu, %s: %s keys\n", i + 1, rename_rule_text(d->task.job->rules, i),
		       hits);
	else
		printf("without a rule: %s keys\n", hits);
	for (size_t s = 0; s < r->samples; s++) {
		printf("    ");
		print_key(r->from[s]);
		printf(" -> ");
		print_key(r->to[s]);
		putchar('\n');
	}
}

static void print_would_fail(const struct dry *d)
{
	uint64_t all = 0;

	for (int i = 0; i < FAIL_CLASS_COUNT; i++)
		all += d->failed[i];
	print_found("would fail", all, false);
	for (size_t i = 0; i < d->failure_count; i++) {
		printf("    ");
		print_key(d->failures[i].key);
		printf(": %s: ", fail_class_name(d->failures[i].class));
		print_message(d->failures[i].message);
		putchar('\n');
	}
	if (all > d->failure_count)
		printf("    ... and more\n");
}

static void print_found_rows(const struct dry *d)
{
	print_found("rows to change", d->rows_to_change, true);
	print_found("rows without object", d->rows_without_object, true);
	print_found("objects without row", d->objects_without_row, true);
	print_found("rows as they shall be", d->rows_as_they_are, false);
	print_found("rows of objects that are not copied", d->rows_left, false);
	print_found("rows with other values", d->rows_other, false);
}

static bool has_values(const struct job *job)
{
	for (size_t i = 0; i < job->database_count; i++)
		if (job->databases[i].match == MATCH_EXACT)
			return true;
	return false;
}

static void print_texts(const struct dry *d)
{
	print_found("texts looked into", d->texts, true);
	print_found("texts to change", d->texts_to_change, true);
	print_found("values to replace in them", d->places, true);
	for (size_t i = 0; i < d->text_sample_count; i++) {
		printf("    ");
		print_message(d->text_samples[i].row);
		printf(": ");
		print_key(d->text_samples[i].old);
		printf(" -> ");
		print_key(d->text_samples[i].new);
		putchar('\n');
	}
	print_found("texts that must be left alone", d->texts_refused, false);
	print_found("texts longer than text_max", d->texts_too_long, false);
}

static void print_caches(const struct dry *d)
{
	const char *at = (const char *)d->would.p, *end = at + d->would.len, *next;

	printf("caches, for the first rows\n");
	for (; at && at < end; at = next + 1) {
		next = memchr(at, '\n', (size_t)(end - at)); /* each line has one */
		printf("    %.*s\n", (int)(next - at), at);
	}
}

void dry_print(const struct dry *d)
{
	char bytes[32];

	printf("dry run of %s: nothing was written\n", d->task.job->name);
	print_found("objects to copy", d->objects, true);
	format_bytes(bytes, sizeof(bytes), d->bytes);
	printf("%-34s %12s\n", "bytes to copy", bytes);
	for (size_t i = 0; i <= DRY_RULES; i++)
		print_rule(d, i);
	print_found("done before, and unchanged", d->settled, d->delta != NULL);
	print_found("left to the next pass", d->later, false);
	print_found("failed before: --retry-failed", d->failed_before, false);
	print_found("copies whose object has gone", d->task.orphaned, false);
	print_found("in their place already", d->in_place, false);
	for (int i = 0; i < SKIP_COUNT; i++) {
		char what[64];

		snprintf(what, sizeof(what), "passed over: %s",
			 skip_reason_name((enum skip_reason)i));
		print_found(what, d->passed_over[i], false);
	}
	print_found("named, but not in the source", d->missing, false);
	print_would_fail(d);
	print_found("keys that collide", d->collisions, d->collisions > 0);
	print_found("chained names", d->chains, false);
	if (d->chains)
		printf("    new keys that are other objects' keys: make it two jobs\n");
	if (has_values(d->task.job))
		print_found_rows(d);
	if (d->known)
		print_texts(d);
	if (d->would.len)
		print_caches(d);
}
