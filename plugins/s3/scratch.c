/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>

/*
 * What an earlier run of this job left behind when it was killed while it measured:
 * scratch objects and unfinished uploads of them. One look each, before measuring.
 */

#define LEFT_MAX 16 /* more is left to the next run */

struct left {
	char key[64];
	char id[MIGRATE_ETAG_MAX + 1];
};

struct sweep {
	char prefix[48];
	struct left now;
	struct left found[LEFT_MAX];
	size_t n;
};

/* Only what is named as we name ours, whatever the server tells. */
static void keep_found(struct sweep *w)
{
	if (w->n < LEFT_MAX && !strncmp(w->now.key, w->prefix, strlen(w->prefix)))
		w->found[w->n++] = w->now;
	w->now = (struct left){ .key = "" };
}

static bool take(void *arg, const char *path, char *text, size_t n)
{
	struct sweep *w = arg;

	if (!strcmp(path, "Contents/Key") || !strcmp(path, "Upload/Key"))
		text_copy(w->now.key, sizeof(w->now.key), n < sizeof(w->now.key) ? text : "");
	else if (!strcmp(path, "Upload/UploadId"))
		text_copy(w->now.id, sizeof(w->now.id), n < sizeof(w->now.id) ? text : "");
	else if (!strcmp(path, "Contents") || (!strcmp(path, "Upload") && w->now.id[0]))
		keep_found(w);
	return true;
}

static void find(struct s3_session *s, struct sweep *w, bool uploads)
{
	w->n = 0;
	w->now = (struct left){ .key = "" };
	s3_begin(s, "GET", s3_bytes(NULL, 0));
	s3_with_listing(s);
	if (!uploads && !(s->s3->quirks & S3_LIST_V1))
		s3_query_text(s, "list-type", "2");
	s3_query_text(s, "prefix", w->prefix);
	if (uploads)
		s3_query_text(s, "uploads", "");
	if (s3_send(s, "looking for scratch objects") != MIGRATE_OK ||
	    s3_document(s, uploads ? "ListMultipartUploadsResult" : "ListBucketResult", take, w,
			"looking for scratch objects") != MIGRATE_OK)
		w->n = 0; /* not allowed here, or not known: nothing depends on it */
}

void s3_sweep_scratch(struct s3_session *s)
{
	struct sweep w = { .n = 0 };

	snprintf(w.prefix, sizeof(w.prefix), ".migrate-%s-scratch-", s->job);
	for (int uploads = 0; uploads < 2; uploads++) {
		find(s, &w, uploads);
		for (size_t i = 0; i < w.n; i++) {
			s3_begin(s, "DELETE", s3_bytes(w.found[i].key, strlen(w.found[i].key)));
			if (uploads)
				s3_query_text(s, "uploadId", w.found[i].id);
			s3_send(s, "removing a scratch object");
		}
	}
}
