/* SPDX-License-Identifier: MIT */
#include "journal/statement.h"

#include <endian.h>
#include <string.h>

/*
 * SQLite has no checksums on its pages: a flipped bit in a key would simply be
 * another key. So each record carries the sum of its columns, which SQL computes
 * as migrate_sum(columns ...) when it writes and compares when it reads. Each
 * step is a bijection of the state, so one changed word always shows in 64 bits,
 * and in the 32 that are kept but for one case in 2^32.
 */
static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0x9fb21c651e98df25);
	return h ^ h >> 32;
}

static uint64_t mix_bytes(uint64_t h, const unsigned char *p, size_t n)
{
	uint64_t word;

	h = mix(h, n);
	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = mix(h, le64toh(word));
	}
	word = 0;
	if (n)
		memcpy(&word, p, n);
	return n ? mix(h, le64toh(word)) : h;
}

static uint64_t mix_value(uint64_t h, sqlite3_value *v)
{
	int type = sqlite3_value_type(v);
	const void *p;

	h = mix(h, (uint64_t)type);
	switch (type) {
	case SQLITE_INTEGER:
		return mix(h, (uint64_t)sqlite3_value_int64(v));
	case SQLITE_NULL:
		return h;
	case SQLITE_TEXT:
		p = sqlite3_value_text(v);
		break;
	default:
		p = sqlite3_value_blob(v);
		break;
	}
	return mix_bytes(h, p, (size_t)sqlite3_value_bytes(v));
}

static void migrate_sum(sqlite3_context *context, int n, sqlite3_value **values)
{
	uint64_t h = 0;

	for (int i = 0; i < n; i++)
		h = mix_value(h, values[i]);
	sqlite3_result_int64(context, (int64_t)((h ^ h >> 29) & UINT32_MAX));
}

int sum_register(sqlite3 *db)
{
	return sqlite3_create_function_v2(db, "migrate_sum", -1,
					  SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
					  NULL, migrate_sum, NULL, NULL, NULL);
}
