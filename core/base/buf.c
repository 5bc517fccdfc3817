/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

/* The next capacity that holds want bytes (want <= max): doubling up to max. */
static size_t next_cap(const struct buf *b, size_t want)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;

	while (cap < want && cap <= b->max / 2)
		cap *= 2;
	return cap < want || cap > b->max ? b->max : cap;
}

static bool buf_reserve(struct buf *b, size_t extra)
{
	size_t cap;
	unsigned char *p;

	if (extra <= b->cap - b->len)
		return true;
	if (extra > b->max - b->len)
		return false;
	cap = next_cap(b, b->len + extra);
	p = realloc(b->p, cap);
	if (!p)
		return false;
	b->p = p;
	b->cap = cap;
	return true;
}

bool buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (!buf_reserve(b, n))
		return false;
	if (n)
		memcpy(b->p + b->len, bytes, n);
	b->len += n;
	return true;
}

bool buf_add_text(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

void buf_reset(struct buf *b)
{
	b->len = 0;
}

void buf_release(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT(b->max);
}
