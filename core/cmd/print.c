/* SPDX-License-Identifier: MIT */
#include "cmd/print.h"

#include "base/escape.h"

#include <stdio.h>
#include <string.h>

#define PIECE_MAX (4u << 20) /* the largest record: keys and values, escaped */

/* What should have been printed and found no memory. */
static bool lost;

bool print_lost(void)
{
	return lost;
}

static void put_out(const struct buf *b)
{
	if (b->len)
		fwrite(b->p, 1, b->len, stdout);
}

void print_key(struct migrate_bytes key)
{
	BUF_AUTO struct buf b = BUF_INIT(4 * key.n + 1);

	lost = !escape_add(&b, key.p, key.n) || lost;
	put_out(&b);
}

void print_text(const char *text)
{
	size_t n = text ? strlen(text) : 0;
	BUF_AUTO struct buf b = BUF_INIT(4 * n + 1);

	lost = !escape_message(&b, text, n) || lost;
	put_out(&b);
}

struct json *json_stream_begin(struct json_stream *s)
{
	s->buf = (struct buf)BUF_INIT(PIECE_MAX);
	s->json = (struct json)JSON_INIT(&s->buf);
	return &s->json;
}

void json_stream_flush(struct json_stream *s)
{
	lost = !s->json.ok || lost;
	put_out(&s->buf);
	buf_reset(&s->buf);
}

void json_stream_end(struct json_stream *s)
{
	json_stream_flush(s);
	putchar('\n');
	buf_release(&s->buf);
}
