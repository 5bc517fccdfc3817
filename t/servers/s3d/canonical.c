/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

static int compare_params(const void *a, const void *b)
{
	const struct param *const *p = a, *const *q = b;
	int order = bytes_compare((*p)->name, (*q)->name);

	return order ? order : bytes_compare((*p)->value, (*q)->value);
}

/*
 * Sorted by the decoded names: of the characters S3's own parameters are made
 * of, none changes its place by being encoded.
 */
static void canonical_query(const struct request *q, struct text *to)
{
	const struct param *sorted[MAX_PARAMS];
	size_t n = 0;

	for (size_t i = 0; i < q->param_count; i++) {
		if (!bytes_equal(q->params[i].name, bytes_of("X-Amz-Signature")))
			sorted[n++] = &q->params[i];
	}
	qsort(sorted, n, sizeof(sorted[0]), compare_params);
	for (size_t i = 0; i < n; i++) {
		if (i)
			text_puts(to, "&");
		text_url(to, sorted[i]->name, "");
		text_puts(to, "=");
		text_url(to, sorted[i]->value, "");
	}
	text_puts(to, "\n");
}

/* Trimmed, and runs of blanks made one. */
static void canonical_value(struct text *to, const char *s)
{
	bool blank = false;

	for (; *s; s++) {
		if (*s == ' ' && blank)
			continue;
		blank = *s == ' ';
		text_add(to, s, 1);
	}
}

static void canonical_headers(const struct request *q, const char *names, struct text *to)
{
	while (*names) {
		size_t n = strcspn(names, ";");
		bool first = true;

		text_add(to, names, n);
		text_puts(to, ":");
		for (size_t i = 0; i < q->header_count; i++) {
			const struct header *h = &q->headers[i];

			if (strlen(h->name) != n || memcmp(h->name, names, n) != 0)
				continue;
			if (!first)
				text_puts(to, ",");
			canonical_value(to, h->value);
			first = false;
		}
		text_puts(to, "\n");
		names += n + (names[n] == ';');
	}
}

/* The path is signed as S3 does: encoded once, nothing normalised. */
void canonical_request(struct exchange *x, const char *signed_headers, struct text *to)
{
	const struct request *q = &x->q;
	size_t n = strlen(q->path);
	char *path = must_alloc(n + 1);

	n = url_decode(path, q->path, n, sw(x, SW_PATH_PLUS) == YES);
	text_printf(to, "%s\n", q->method);
	text_url(to, (struct bytes){ path, n }, "/");
	text_puts(to, "\n");
	canonical_query(q, to);
	canonical_headers(q, signed_headers, to);
	text_printf(to, "\n%s\n%s", signed_headers, x->signing.payload);
	free(path);
}
