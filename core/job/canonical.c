/* SPDX-License-Identifier: MIT */
#include "base/array.h"
#include "base/digest.h"
#include "job/job-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The job as sorted lines without secrets: what the journal remembers of it. */
#define CANONICAL_MAX ((size_t)16 << 20)

static bool add_canonical_end(struct buf *out, const struct job_end *e, const char *prefix)
{
	struct schema s = schema_of_plugin(e->descriptor);
	char line[256];

	snprintf(line, sizeof(line), "identity %s.plugin = %.100s\n", prefix, e->plugin);
	return buf_add_text(out, line) && schema_canonical(&s, e->config, prefix, out);
}

static bool add_database(struct buf *out, const struct loading *l, size_t i)
{
	const struct job_database *d = &l->job->databases[i];
	struct section_end own = *d->own;
	const struct schema patterns = { .options = schema_database.options + 1,
					 .count = schema_database.count - 1,
					 .stride = schema_database.stride,
					 .config_size = schema_database.config_size };
	char prefix[64];

	if (!own.new_value)
		own.new_value = own.value;
	snprintf(prefix, sizeof(prefix), "databases.%zu", i);
	return add_canonical_end(out, &d->end, prefix) &&
	       schema_canonical(&patterns, &own, prefix, out);
}

static bool add_ends(struct buf *out, const struct loading *l)
{
	const struct job *j = l->job;
	char prefix[64];

	if (!add_canonical_end(out, &j->source, "source") ||
	    !add_canonical_end(out, &j->destination, "destination"))
		return false;
	for (size_t i = 0; i < j->database_count; i++)
		if (!add_database(out, l, i))
			return false;
	for (size_t i = 0; i < j->cache_count; i++) {
		snprintf(prefix, sizeof(prefix), "caches.%zu", i);
		if (!add_canonical_end(out, &j->caches[i], prefix))
			return false;
	}
	return true;
}

/* What follows from other options is written as it turned out, not as the file has it. */
static bool add_canonical_sections(struct buf *out, struct loading *l)
{
	struct section_top top = *l->top;
	struct section_journal journal = *l->journal;

	top.job = l->job->name;
	top.unmatched = l->job->unmatched;
	journal.path = l->job->journal_path;
	return schema_canonical(&schema_top, &top, "", out) &&
	       schema_canonical(&schema_keys, l->keys, "keys", out) &&
	       schema_canonical(&schema_copy, l->copy, "copy", out) &&
	       schema_canonical(&schema_limits, l->limits, "limits", out) &&
	       schema_canonical(&schema_rows, l->rows, "rows", out) &&
	       schema_canonical(&schema_journal, &journal, "journal", out) &&
	       rename_rules_canonical(l->job->rules, out) && add_ends(out, l);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines of text, which gets NULs for its newlines; malloc. */
static char **split(char *text, size_t *count)
{
	size_t n = 0;
	char **lines;

	for (const char *s = text; *s; s++)
		n += *s == '\n';
	lines = calloc(n + 1, sizeof(*lines));
	for (*count = 0; lines && *count < n; text++) {
		lines[(*count)++] = text;
		text += strcspn(text, "\n");
		*text = '\0';
	}
	return lines;
}

static bool is_binding(const char *line)
{
	return !strncmp(line, "mapping ", 8) || !strncmp(line, "identity ", 9);
}

static void hex_of(const struct migrate_digest *d, char *hex)
{
	for (size_t i = 0; i < d->n; i++)
		snprintf(hex + 2 * i, 3, "%02x", d->bytes[i]);
}

static bool fingerprint(struct job *j, char *const *lines, size_t n)
{
	struct digest_context *c = digest_new();
	struct migrate_digest d = { .n = 0 };

	if (c && digest_begin(c, MIGRATE_SHA256)) {
		for (size_t i = 0; i < n; i++) {
			if (!is_binding(lines[i]))
				continue;
			digest_add(c, lines[i], strlen(lines[i]));
			digest_add(c, "\n", 1);
		}
		digest_end(c, &d);
		hex_of(&d, j->fingerprint);
	}
	digest_free(c);
	return d.n != 0;
}

static bool finish_canonical(struct job *j, struct buf *text)
{
	BUF_AUTO struct buf sorted = BUF_INIT(CANONICAL_MAX);
	size_t n = 0;
	char **lines = split((char *)text->p, &n);
	bool ok = lines != NULL;

	if (ok)
		array_sort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n && ok; i++)
		ok = buf_add_text(&sorted, lines[i]) && buf_add_text(&sorted, "\n");
	ok = ok && fingerprint(j, lines, n);
	j->canonical = ok ? arena_copy(&j->arena, sorted.p, sorted.len) : NULL;
	free(lines);
	return j->canonical != NULL;
}

int job_make_canonical(struct loading *l)
{
	BUF_AUTO struct buf text = BUF_INIT(CANONICAL_MAX);

	if (add_canonical_sections(&text, l) && buf_add(&text, "", 1) &&
	    finish_canonical(l->job, &text))
		return 0;
	problems_add(&l->problems, 0, 0, "out of memory");
	return -1;
}
