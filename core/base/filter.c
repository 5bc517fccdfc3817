/* SPDX-License-Identifier: MIT */
#include "base/filter.h"

#include <stdlib.h>

#define BITS_EACH 16
#define BITS_LEAST (UINT64_C(1) << 12)
#define BITS_MOST (UINT64_C(1) << 29)
#define PROBES 6

bool filter_init(struct filter *f, uint64_t expected)
{
	uint64_t bits = BITS_LEAST;

	while (bits < BITS_MOST && bits / BITS_EACH < expected)
		bits *= 2;
	*f = (struct filter){ .mask = bits - 1, .least = SIZE_MAX };
	f->bits = calloc(bits / 64, sizeof(*f->bits));
	return f->bits != NULL;
}

void filter_release(struct filter *f)
{
	free(f->bits);
	*f = (struct filter){ .bits = NULL };
}

/* The bytewise hash is weak in its high bits: stir it before it is cut into probes. */
static uint64_t stir(uint64_t h)
{
	h = (h ^ h >> 32) * UINT64_C(0x9fb21c651e98df25);
	return h ^ h >> 29;
}

static uint64_t probe(const struct filter *f, uint64_t h, unsigned i)
{
	return (h + i * (h >> 32 | 1)) & f->mask;
}

void filter_add(struct filter *f, struct migrate_bytes item)
{
	const unsigned char *p = item.p;
	uint64_t h = FILTER_BEGIN;

	if (!item.n)
		return;
	for (size_t i = 0; i < item.n; i++) {
		f->holds[p[i]] = true;
		h = filter_step(h, p[i]);
	}
	f->begins[p[0]] = true;
	f->n++;
	if (item.n < f->least)
		f->least = item.n;
	if (item.n > f->most)
		f->most = item.n;
	h = stir(h);
	for (unsigned i = 0; i < PROBES; i++)
		f->bits[probe(f, h, i) / 64] |= UINT64_C(1) << (probe(f, h, i) % 64);
}

bool filter_perhaps(const struct filter *f, uint64_t hash, size_t n)
{
	uint64_t h = stir(hash);

	if (n < f->least || n > f->most)
		return false;
	for (unsigned i = 0; i < PROBES; i++)
		if (!(f->bits[probe(f, h, i) / 64] >> (probe(f, h, i) % 64) & 1))
			return false;
	return true;
}
