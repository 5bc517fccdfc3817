/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_FILTER_H
#define MIGRATE_BASE_FILTER_H

#include <migrate/plugin.h>

/*
 * What is known in fixed memory of a set of byte strings too large to hold: which
 * bytes occur in them, how long they are, and a Bloom filter. It answers "certainly
 * not" or "perhaps", for candidates that are built byte by byte.
 */
struct filter {
	bool holds[256];    /* this byte occurs in one of them */
	bool begins[256];   /* one of them begins with it */
	size_t least, most; /* bytes in the shortest and the longest; most 0: the set is empty */
	uint64_t *bits;
	uint64_t mask; /* number of bits - 1 */
	uint64_t n;
};

/* expected: how many will be added; memory stays at or below 64 MiB. False: out of memory. */
bool filter_init(struct filter *f, uint64_t expected);
void filter_release(struct filter *f);
void filter_add(struct filter *f, struct migrate_bytes item);

/* The hash of a candidate: begin, then one call for each byte. */
#define FILTER_BEGIN UINT64_C(0xcbf29ce484222325)
static inline uint64_t filter_step(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * UINT64_C(0x100000001b3);
}
/* n: bytes in the candidate. */
bool filter_perhaps(const struct filter *f, uint64_t hash, size_t n);

#endif
