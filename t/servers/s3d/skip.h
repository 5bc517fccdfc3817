/* SPDX-License-Identifier: MIT */
#ifndef S3D_SKIP_H
#define S3D_SKIP_H

#include "text.h"

/*
 * An ordered map from bytes to pointers, a skip list. Keys are ordered as
 * memcmp does, which is the order of listings. The map owns its keys, not its
 * values.
 */
enum { SKIP_LEVELS = 20 };

struct skip_node {
	struct bytes key;
	void *value;
	struct skip_node *next[];
};

struct skip {
	struct skip_node *first[SKIP_LEVELS];
	size_t count;
	unsigned long long seed;
};

/* NULL when the key is not there. */
void *skip_get(struct skip *s, struct bytes key);

/* The first node whose key is >= key, or > key when after. */
struct skip_node *skip_seek(struct skip *s, struct bytes key, bool after);

/* Put the value under key; returns the value that was there before. */
void *skip_put(struct skip *s, struct bytes key, void *value);

/* Take key out; returns its value. */
void *skip_take(struct skip *s, struct bytes key);

#endif
