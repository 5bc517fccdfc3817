/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_CMD_PRINT_H
#define MIGRATE_CMD_PRINT_H

#include "report/json.h"

#include <migrate/plugin.h>

/* What programs print on standard output: all that comes from outside is escaped. */
void print_key(struct migrate_bytes key);
void print_text(const char *text); /* NULL: nothing */

/* Some of it could not be, for want of memory: command_end() says so. */
bool print_lost(void);

/* A JSON text that is written piece by piece, so that it may be of any length. */
struct json_stream {
	struct buf buf;
	struct json json;
};
struct json *json_stream_begin(struct json_stream *s);
void json_stream_flush(struct json_stream *s); /* what there is so far */
void json_stream_end(struct json_stream *s);   /* with a newline */

#endif
