/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_BYTES_H
#define MIGRATE_PLUGINS_BYTES_H

#include <migrate/plugin.h>

#include <stdlib.h>
#include <string.h>

/* Runs of bytes; numbers in them are big-endian, so that memcmp() orders them. */

static inline bool same_bytes(struct migrate_bytes a, struct migrate_bytes b)
{
	return a.n == b.n && (!a.n || !memcmp(a.p, b.p, a.n));
}

/* Of a C string; p NULL: there is none. */
static inline struct migrate_bytes string_bytes(const char *text)
{
	return (struct migrate_bytes){ .p = text, .n = text ? strlen(text) : 0 };
}

static inline void put32(void *p, uint32_t v)
{
	unsigned char *out = p;

	for (int i = 0; i < 4; i++)
		out[i] = (unsigned char)(v >> (24 - 8 * i));
}

static inline uint32_t get32(const void *p)
{
	const unsigned char *in = p;

	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static inline void put64(void *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32((char *)p + 4, (uint32_t)v);
}

static inline uint64_t get64(const void *p)
{
	return (uint64_t)get32(p) << 32 | get32((const char *)p + 4);
}

/* Free a C string that holds a password. */
static inline void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

#endif
