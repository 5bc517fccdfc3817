/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_FUZZ_ENSURE_H
#define MIGRATE_FUZZ_ENSURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A property that must hold for every input. */
#define ENSURE(what_)                                                                              \
	do {                                                                                       \
		if (!(what_)) {                                                                    \
			fprintf(stderr, "not so: %s\n", #what_);                                   \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
