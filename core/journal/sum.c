/* SPDX-License-Identifier: MIT */
#include "journal/sum.h"

#include <endian.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
	return h ^ h >> 32;
}

uint64_t sum_add_integer(uint64_t sum, int64_t value)
{
	return mix(mix(sum, SUM_INTEGER), (uint64_t)value);
}

uint64_t sum_add_none(uint64_t sum)
{
	return mix(sum, SUM_NONE);
}

uint64_t sum_add_bytes(uint64_t sum, enum sum_kind kind, struct migrate_bytes b)
{
	uint64_t h = mix(mix(sum, (uint64_t)kind), b.n), word;
	const unsigned char *p = b.p;
	size_t n = b.n;

	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = mix(h, le64toh(word));
	}
	word = 0;
	if (n)
		memcpy(&word, p, n);
	return n ? mix(h, le64toh(word)) : h;
}

int64_t sum_end(uint64_t sum)
{
	return (int64_t)((sum ^ sum >> 29) & UINT32_MAX);
}
