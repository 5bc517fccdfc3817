/* SPDX-License-Identifier: MIT */
#include "held.h"

#include <stdio.h>
#include <string.h>

static void add(struct held *h, const char *p, size_t n)
{
	size_t room = sizeof(h->text) - 1 - h->n;

	if (n > room)
		n = room;
	for (size_t i = 0; i < n; i++) /* the core escapes the rest, but takes a NUL for the end */
		h->text[h->n++] = p[i] ? p[i] : '.';
	h->text[h->n] = '\0';
}

/* The first bytes of a value, up to the end of a character. */
static size_t shown(struct migrate_bytes value)
{
	const char *p = value.p;
	size_t n = value.n;

	if (n <= HELD_VALUE_MAX)
		return n;
	n = HELD_VALUE_MAX;
	while (n > HELD_VALUE_MAX - 4 && (p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void held_column(struct held *h, const char *name, struct migrate_bytes value)
{
	char more[48] = "'";
	size_t n = shown(value);

	if (sizeof(h->text) - h->n < strlen(name) + n + sizeof(more))
		return;
	if (h->n)
		add(h, ", ", 2);
	add(h, name, strlen(name));
	if (!value.p) {
		add(h, " = NULL", 7);
		return;
	}
	add(h, " = '", 4);
	add(h, value.p, n);
	if (n < value.n)
		snprintf(more, sizeof(more), "...' (%zu bytes)", value.n);
	add(h, more, strlen(more));
}

void held_left_out(struct held *h)
{
	static const char text[] = "; where is not true of it any more";

	add(h, text, sizeof(text) - 1);
}
