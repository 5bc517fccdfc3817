/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_JOB_SCHEMA_SCHEMA_IMPL_H
#define MIGRATE_JOB_SCHEMA_SCHEMA_IMPL_H

#include "base/arena.h"
#include "job/schema/schema.h"
#include "job/schema/secret.h"

/* Inside the option tables: what filling, printing and releasing share. */

/* One fill: where problems go and memory comes from. */
struct fill {
	const struct schema *schema;
	char *config;
	const char *folder;
	struct arena *arena;
	struct problems *problems;
};

/* scalar.c: one value into the field of o. Problems are added. */
void fill_value(struct fill *f, const struct migrate_option *o, const struct yaml_node *node);
/* A default, as the job file would write it. */
void fill_default(struct fill *f, const struct migrate_option *o);
/* Store n bytes at o's field. */
void fill_field(struct fill *f, const struct migrate_option *o, const void *value, size_t n);

/* secret-options.c: secrets, paths and URLs. */
void fill_secret(struct fill *f, const struct migrate_option *o, const struct yaml_node *node);
void fill_secret_file(struct fill *f, const struct migrate_option *o, const struct yaml_node *node);
void fill_path(struct fill *f, const struct migrate_option *o, const struct yaml_node *node);
void fill_url(struct fill *f, const struct migrate_option *o, const struct yaml_node *node);
/* "NAME_file" for secret option NAME? */
bool is_file_variant(const char *name, const char *option);
/* path below folder as an absolute one, without "." parts and doubled slashes. */
char *absolute_path(struct arena *a, const char *folder, const char *path);

/* url.c: the parts of a URL that are secret. Returns how many; SECRET_PARTS_MAX + 1: too many. */
size_t url_secret_parts(const char *url, struct secret_part *parts);
/* The URL without user, password and secret parameters. */
bool url_add_public(struct buf *out, const char *url);
bool url_is_valid(const char *url);

/* print.c, json.c: pieces for the whole file's documents. */
bool job_mdoc_section(struct buf *out, const char *name, const char *help);
bool json_quote(struct buf *out, const char *text, size_t n);
bool schema_json_properties(const struct schema *s, struct buf *out); /* "a":{...},"b":{...} */
bool schema_json_required(const struct schema *s, struct buf *out);   /* ,"required":[...] */

/* Read the field of o. */
const char *field_text(const struct migrate_option *o, const void *config);
int64_t field_integer(const struct migrate_option *o, const void *config);

#endif
