/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_JSON_PATH_H
#define MIGRATE_PLUGINS_JSON_PATH_H

#include <migrate/plugin.h>

/*
 * json_path: one place in a document: $.avatar.url, $.images[0].url, $."odd name", $['odd
 * name']. What a server calls it is the plugin's.
 */
struct json_step {
	char *text; /* a member's name; digits, if it is an index */
	bool is_index;
};

struct json_path {
	struct json_step *steps; /* malloc'ed */
	size_t count;
};

/* The status, with a message, if text is not one place. To be released in any case. */
enum migrate_status json_path_read(struct migrate_session *session, const char *text,
				   struct json_path *out);
void json_path_release(struct json_path *path);

#endif
