/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_SEED_PNG_H
#define MIGRATE_ENGINE_SEED_PNG_H

#include "base/buf.h"

#include <stdint.h>

/*
 * Small PNG images that any viewer shows: 8 to 15 pixels a side, 24-bit colour.
 * The same index always makes the same bytes, another index others.
 */
#define PNG_SIZE_MIN 1024 /* the least size that an image can be padded to */

/* One image into out, which is emptied first; size: padded to so many bytes, 0: as it is. */
bool png_make(uint64_t index, uint64_t size, struct buf *out);

#endif
