/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_ARENA_H
#define MIGRATE_BASE_ARENA_H

#include <migrate/plugin.h>

/*
 * Memory that is freed all at once: what belongs to one batch, one page, one job.
 *
 * Invariants: pointers stay valid until arena_reset or arena_release; used counts
 * the bytes asked for. Not thread-safe. NULL means out of memory.
 */
struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t used;
};

#define ARENA_INIT                                                                                 \
	{                                                                                          \
		.blocks = NULL, .used = 0                                                          \
	}

/* n zeroed bytes, aligned for any type. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy, with a NUL behind it that does not count. */
char *arena_copy(struct arena *a, const void *bytes, size_t n);
char *arena_text(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *format, ...) MIGRATE_PRINTF(2, 3);
/* *out = a copy of in. False: out of memory. */
bool arena_bytes(struct arena *a, struct migrate_bytes in, struct migrate_bytes *out);

/* Forget everything, keep one block. */
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#define ARENA_AUTO __attribute__((cleanup(arena_release)))

#endif
