/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOURNAL_SUM_H
#define MIGRATE_JOURNAL_SUM_H

#include <migrate/plugin.h>
#include <stdint.h>

/*
 * No database says when a bit of a record was flipped: a flipped bit in a key would
 * simply be another key. So each record carries the sum of its columns, in their order,
 * made when it is written and compared when it is read. Begin with 0, add each column,
 * end. Each step is a bijection of the state, so one changed word always shows in 64
 * bits, and in the 32 that are kept but for one case in 2^32.
 */

/* What a column holds; numbers of the format. */
enum sum_kind { SUM_INTEGER = 1, SUM_TEXT = 3, SUM_BYTES = 4, SUM_NONE = 5 };

uint64_t sum_add_integer(uint64_t sum, int64_t value);
uint64_t sum_add_none(uint64_t sum);
uint64_t sum_add_bytes(uint64_t sum, enum sum_kind kind, struct migrate_bytes b);
int64_t sum_end(uint64_t sum);

#endif
