/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "engine/plan/keys-impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* keys: {from: file}: one key a line, a NUL between keys, or CSV pairs "old,new" (RFC 4180). */

struct reader {
	struct key_stream *stream;
	const char *path;
	FILE *f;
	size_t line;
	struct buf field[2];
};

static int complain_of_line(struct reader *r, struct error *err, const char *what)
{
	return error_set(err, EXIT_USAGE, "%s:%zu: %s", r->path, r->line, what);
}

static int add_key(struct reader *r, size_t fields, struct error *err)
{
	struct migrate_bytes key = bytes_of(r->field[0].p, r->field[0].len);
	struct migrate_bytes new_key = bytes_of(r->field[1].p, fields > 1 ? r->field[1].len : 0);

	if (!key.n || (fields > 1 && !new_key.n))
		return complain_of_line(r, err, "an empty key");
	return key_stream_sort(r->stream, key, new_key, err);
}

/* Keys that end with a byte: newline or NUL. An empty line at the end is none. */
static int read_plain(struct reader *r, int end, struct error *err)
{
	int c;

	while ((c = getc(r->f)) != EOF) {
		if (c == end) {
			r->line++;
			if (r->field[0].len && add_key(r, 1, err))
				return -1;
			buf_reset(&r->field[0]);
			continue;
		}
		if (!buf_add(&r->field[0], &(char){ (char)c }, 1))
			return complain_of_line(r, err, "a key is too long");
	}
	r->line++;
	return r->field[0].len ? add_key(r, 1, err) : 0;
}

/* One field; returns the byte behind it (',', '\n' or EOF), -2 for an error. */
static int read_field(struct reader *r, struct buf *out, struct error *err)
{
	int c = getc(r->f);
	bool quoted = c == '"';

	if (quoted)
		c = getc(r->f);
	for (;; c = getc(r->f)) {
		if (quoted && c == '"') {
			c = getc(r->f);
			if (c != '"')
				quoted = false;
		}
		if (!quoted && c == '\r') {
			c = getc(r->f);
			if (c != '\n' && c != EOF)
				return complain_of_line(r, err, "a carriage return inside a field"),
				       -2;
		}
		if (!quoted && (c == ',' || c == '\n' || c == EOF))
			return c;
		if (c == EOF)
			return complain_of_line(r, err, "a quoted field does not end"), -2;
		if (!buf_add(out, &(char){ (char)c }, 1))
			return complain_of_line(r, err, "a key is too long"), -2;
	}
}

static int read_csv(struct reader *r, struct error *err)
{
	int c = 0;

	for (r->line = 1; c != EOF; r->line++) {
		buf_reset(&r->field[0]);
		buf_reset(&r->field[1]);
		c = read_field(r, &r->field[0], err);
		if (c == EOF && !r->field[0].len)
			break;
		if (c == ',')
			c = read_field(r, &r->field[1], err);
		else if (c != -2)
			return complain_of_line(r, err, "two fields are wanted: old,new");
		if (c == -2)
			return -1;
		if (c == ',')
			return complain_of_line(r, err, "more than two fields");
		if (add_key(r, 2, err))
			return -1;
	}
	return 0;
}

int keys_from_file(struct key_stream *k, struct error *err)
{
	struct reader r = { .stream = k, .path = k->task->job->keys_file };
	int rc;

	r.field[0] = r.field[1] = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	r.f = fopen(r.path, "re");
	if (!r.f)
		return error_set_errno(err, EXIT_USAGE, errno, "keys.file: cannot open %s", r.path);
	switch (k->task->job->keys_format) {
	case KEYS_CSV:
		rc = read_csv(&r, err);
		break;
	case KEYS_NUL:
		rc = read_plain(&r, '\0', err);
		break;
	default:
		rc = read_plain(&r, '\n', err);
	}
	if (!rc && ferror(r.f))
		rc = error_set_errno(err, EXIT_USAGE, errno, "keys.file: cannot read %s", r.path);
	fclose(r.f);
	buf_release(&r.field[0]);
	buf_release(&r.field[1]);
	return rc;
}
