/* SPDX-License-Identifier: MIT */
#include "skip.h"

#include <stdlib.h>

/* The links that lead to the first node not below key (or, with after, above it). */
static void find_links(struct skip *s, struct bytes key, bool after, struct skip_node **links[])
{
	struct skip_node **level = s->first;

	for (int i = SKIP_LEVELS - 1; i >= 0; i--) {
		struct skip_node *node;

		while ((node = level[i])) {
			int order = bytes_compare(node->key, key);

			if (order > 0 || (order == 0 && !after))
				break;
			level = node->next;
		}
		links[i] = &level[i];
	}
}

struct skip_node *skip_seek(struct skip *s, struct bytes key, bool after)
{
	struct skip_node **links[SKIP_LEVELS];

	find_links(s, key, after, links);
	return *links[0];
}

void *skip_get(struct skip *s, struct bytes key)
{
	struct skip_node *node = skip_seek(s, key, false);

	return node && bytes_equal(node->key, key) ? node->value : NULL;
}

static int random_height(struct skip *s)
{
	int height = 1;
	unsigned long long bits;

	s->seed = s->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	bits = s->seed >> 20;
	while (height < SKIP_LEVELS && (bits & 3) == 0) {
		bits >>= 2;
		height++;
	}
	return height;
}

void *skip_put(struct skip *s, struct bytes key, void *value)
{
	struct skip_node **links[SKIP_LEVELS];
	struct skip_node *node;
	int height;

	find_links(s, key, false, links);
	node = *links[0];
	if (node && bytes_equal(node->key, key)) {
		void *old = node->value;

		node->value = value;
		return old;
	}
	height = random_height(s);
	node = must_alloc(sizeof(*node) + (size_t)height * sizeof(node->next[0]));
	node->key.p = must_dup(key.p, key.len);
	node->key.len = key.len;
	node->value = value;
	for (int i = 0; i < height; i++) {
		struct skip_node **link = links[i];

		node->next[i] = *link;
		*link = node;
	}
	s->count++;
	return NULL;
}

void *skip_take(struct skip *s, struct bytes key)
{
	struct skip_node **links[SKIP_LEVELS];
	struct skip_node *node;
	void *value;

	find_links(s, key, false, links);
	node = *links[0];
	if (!node || !bytes_equal(node->key, key))
		return NULL;
	for (int i = 0; i < SKIP_LEVELS; i++) {
		struct skip_node **link = links[i];

		if (*link != node)
			break;
		*link = node->next[i];
	}
	value = node->value;
	free((char *)node->key.p);
	free(node);
	s->count--;
	return value;
}
