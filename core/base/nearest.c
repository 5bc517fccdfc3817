/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <stdint.h>
#include <string.h>

/* Longer names are not compared: a hint is a courtesy, and the name may be a mebibyte. */
#define NAME_MAX_COMPARED 64

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits from a to b: insert, delete, replace, swap two neighbours. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t rows[3][NAME_MAX_COMPARED + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t swap = (size_t)(a[i - 1] != b[j - 1]);

			now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + swap);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

const char *nearest_name(const char *name, const char *const *candidates, size_t count)
{
	size_t n = strlen(name), best_distance = SIZE_MAX;
	const char *best = NULL;

	if (n > NAME_MAX_COMPARED)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(candidates[i]), d;

		if (len > NAME_MAX_COMPARED)
			continue;
		d = distance(name, n, candidates[i], len);
		if (d < best_distance) {
			best_distance = d;
			best = candidates[i];
		}
	}
	/* A third of the letters may be wrong, but never all of a short name. */
	return best && best_distance < n && best_distance <= (n + 2) / 3 ? best : NULL;
}
