/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_REPORT_JSON_H
#define MIGRATE_REPORT_JSON_H

#include "base/buf.h"

#include <migrate/plugin.h>

/*
 * JSON, written in order into a buf. Bytes that are not valid UTF-8 cannot stand
 * in JSON: json_key() writes such a key as {"base64": "..."} beside "text" with
 * its escaped form, a valid one as a plain string.
 *
 * Misnesting is a BUG(). Commas are put in by the writer. ok turns false once the
 * buf is full and stays so.
 */
struct json {
	struct buf *out;
	bool ok;
	bool first;
	int depth;
};

#define JSON_INIT(out_)                                                                            \
	{                                                                                          \
		.out = (out_), .ok = true, .first = true, .depth = 0                               \
	}

/* name: NULL inside an array. */
void json_object(struct json *j, const char *name);
void json_array(struct json *j, const char *name);
void json_end_object(struct json *j);
void json_end_array(struct json *j);
void json_text(struct json *j, const char *name, const char *value); /* NULL: null */
void json_key(struct json *j, const char *name, struct migrate_bytes key);
void json_uint(struct json *j, const char *name, uint64_t value);
void json_int(struct json *j, const char *name, int64_t value);
void json_bool(struct json *j, const char *name, bool value);
void json_time(struct json *j, const char *name, int64_t wall_ns); /* RFC 3339; 0: null */

#endif
