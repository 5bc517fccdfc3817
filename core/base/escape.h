/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_ESCAPE_H
#define MIGRATE_BASE_ESCAPE_H

#include "base/arena.h"
#include "base/buf.h"

/*
 * The one way in which bytes from outside (keys, metadata, server messages)
 * reach a terminal, a log or an error text.
 *
 * Printable UTF-8 passes. Everything that could move a cursor, forge a line,
 * hide or reorder text comes out as \xNN, a byte at a time: controls (C0, DEL,
 * C1), invalid or overlong sequences, bidirectional controls, zero-width
 * characters, and the backslash itself, so that the result can be read back.
 *
 * Appends to out. False: out is full; what fits has been added.
 */
bool escape_add(struct buf *out, const void *bytes, size_t n);

/*
 * The same for a sentence of ours that may already hold escaped keys: a backslash
 * passes, so that nothing is escaped twice. Not to be read back.
 */
bool escape_message(struct buf *out, const void *bytes, size_t n);

/* A key as messages show it, in a. */
const char *shown_key(struct arena *a, struct migrate_bytes key);

#endif
