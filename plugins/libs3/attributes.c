/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <stdio.h>
#include <string.h>

/*
 * What travels with an object. Of an answer the library shows the content type and
 * user metadata only: no more is said to be kept. Other headers are written as far as
 * it can say them, in 127 bytes each; the core has counted them as lost by then. Names
 * and values of metadata are those of the plugin s3, so that what one wrote the other
 * reads.
 */
#define HEADER_MAX 127
#define DISPOSITION "attachment; filename=\""

static const struct {
	const char *attribute, *meta;
} files[] = {
	{ "mtime", "mtime" },
	{ "mode", "migrate-mode" },
	{ "owner", "migrate-owner" },
};

enum plain { CONTENT_TYPE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_DISPOSITION, PLAIN_COUNT };

static const struct {
	const char *name;
	size_t max; /* bytes in the value */
} plain[PLAIN_COUNT] = {
	[CONTENT_TYPE] = { "content-type", HEADER_MAX - sizeof("Content-Type:") },
	[CACHE_CONTROL] = { "cache-control", HEADER_MAX - sizeof("Cache-Control:") },
	[CONTENT_ENCODING] = { "content-encoding", HEADER_MAX - sizeof("Content-Encoding:") },
	[CONTENT_DISPOSITION] = { "content-disposition",
				  HEADER_MAX - sizeof("Content-Disposition:") },
};

void libs3_keeps(struct migrate_describe *r)
{
	migrate_keeps(r, plain[CONTENT_TYPE].name, plain[CONTENT_TYPE].max);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		migrate_keeps(r, files[i].attribute, 0);
	migrate_keeps(r, "meta:*", LIBS3_META_SIZE);
}

/* ---- From an answer ---- */

static bool all_of(const char *text, const char *set)
{
	return *text && strspn(text, set) == strlen(text);
}

static void take_meta(const char *name, const char *value, struct migrate_attributes *to)
{
	struct text attribute = { .p = NULL }, decoded = { .p = NULL };

	s3_decode_word(&decoded, value);
	if (!strcmp(name, "mtime") && all_of(value, "0123456789.")) {
		text_str(&attribute, "mtime");
	} else if (!strcmp(name, "migrate-mode") && all_of(value, "01234567")) {
		text_str(&attribute, "mode");
	} else if (!strcmp(name, "migrate-owner")) {
		text_str(&attribute, "owner");
	} else {
		text_str(&attribute, "meta:");
		text_str(&attribute, name);
	}
	migrate_set_attribute(to, text_get(&attribute), text_get(&decoded), decoded.n);
	text_release(&attribute);
	text_release(&decoded);
}

void libs3_take(const S3ResponseProperties *p, struct migrate_attributes *to)
{
	if (p->contentType && *p->contentType)
		migrate_set_attribute(to, "content-type", p->contentType, strlen(p->contentType));
	for (int i = 0; i < p->metaDataCount && i < 256; i++)
		if (p->metaData[i].name && *p->metaData[i].name)
			take_meta(p->metaData[i].name, p->metaData[i].value, to);
}

/* ---- Into a request ---- */

/* The text moves while it grows: places in it are kept as offsets until it is whole. */
static size_t keep(struct libs3_given *g, const void *p, size_t n)
{
	size_t at = g->text.n;

	text_add(&g->text, p, n);
	text_char(&g->text, '\0');
	return at;
}

static bool is_printable(struct migrate_bytes v)
{
	const unsigned char *p = v.p;

	for (size_t i = 0; i < v.n; i++)
		if (p[i] < ' ' || p[i] == 0x7f)
			return false;
	return v.n && p[0] != ' ' && p[v.n - 1] != ' ';
}

/* The library writes the beginning and the last quote itself: the value must have just these. */
static bool cut_disposition(struct migrate_bytes *v)
{
	const size_t head = sizeof(DISPOSITION) - 1;
	const char *p = v->p;

	if (v->n < head + 2 || memcmp(p, DISPOSITION, head) != 0 || p[v->n - 1] != '"')
		return false;
	v->p = p + head;
	v->n -= head + 1;
	return p[head] != ' ';
}

static bool give_plain(struct libs3_given *g, enum plain which, struct migrate_bytes v)
{
	if (!is_printable(v) || v.n > plain[which].max)
		return false;
	if (which == CONTENT_DISPOSITION && !cut_disposition(&v))
		return false;
	g->offsets[2 * LIBS3_META_MAX + which] = keep(g, v.p, v.n) + 1;
	return true;
}

static bool is_token(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') &&
		    !(*p >= '0' && *p <= '9') && !strchr("-_.", *p))
			return false;
	return *name && strlen(name) < 200;
}

/* A value without bytes makes libs3 read behind its buffer. */
static bool give_meta(struct libs3_given *g, const char *name, struct migrate_bytes v)
{
	struct text encoded = { .p = NULL };
	size_t n = (size_t)g->properties.metaDataCount, size;
	bool ok = v.n && is_token(name) && n < LIBS3_META_MAX &&
		  s3_encode_value(&encoded, v.p, v.n) && !encoded.bad;

	size = sizeof("x-amz-meta-: ") + strlen(name) + encoded.n;
	if (ok && g->meta_size + size <= LIBS3_META_SIZE) {
		g->meta_size += size;
		g->offsets[2 * n] = keep(g, name, strlen(name));
		g->offsets[2 * n + 1] = keep(g, text_get(&encoded), encoded.n);
		g->properties.metaDataCount++;
	} else {
		ok = false;
	}
	text_release(&encoded);
	return ok;
}

/* 1: given, 0: none that this store keeps, -1: it cannot be said. */
static int give_one(struct libs3_given *g, const char *name, struct migrate_bytes v)
{
	for (int i = 0; i < PLAIN_COUNT; i++)
		if (!strcmp(name, plain[i].name))
			return give_plain(g, (enum plain)i, v) ? 1 : i == CONTENT_TYPE ? -1 : 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!strcmp(name, files[i].attribute))
			return give_meta(g, files[i].meta, v) ? 1 : -1;
	if (!strncmp(name, "meta:", 5))
		return give_meta(g, name + 5, v) ? 1 : -1;
	return 0;
}

static const char *plain_of(const struct libs3_given *g, enum plain which)
{
	size_t at = g->offsets[2 * LIBS3_META_MAX + which];

	return at ? g->text.p + at - 1 : NULL;
}

static void point(struct libs3_given *g)
{
	S3PutProperties *p = &g->properties;

	p->contentType = plain_of(g, CONTENT_TYPE);
	p->cacheControl = plain_of(g, CACHE_CONTROL);
	p->contentEncoding = plain_of(g, CONTENT_ENCODING);
	p->contentDispositionFilename = plain_of(g, CONTENT_DISPOSITION);
	for (int i = 0; i < p->metaDataCount; i++) {
		g->meta[i].name = g->text.p + g->offsets[2 * i];
		g->meta[i].value = g->text.p + g->offsets[2 * i + 1];
	}
	p->metaData = g->meta;
}

enum migrate_status libs3_give(struct libs3_session *s, const struct migrate_attributes *a,
			       uint32_t flags, struct libs3_given *g)
{
	struct migrate_bytes value;
	const char *name;

	*g = (struct libs3_given){ .properties = { .expires = -1 } };
	for (size_t i = 0; a && migrate_attribute_at(a, i, &name, &value); i++) {
		if (give_one(g, name, value) >= 0)
			continue;
		if (flags & MIGRATE_STRICT_ATTRIBUTES)
			return migrate_fail(s->ms, MIGRATE_UNSUPPORTED,
					    "libs3 cannot write attribute '%s' as it is", name);
		migrate_lost_attribute(s->ms, name);
	}
	if (g->text.bad)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	point(g);
	return MIGRATE_OK;
}

void libs3_given_release(struct libs3_given *g)
{
	text_release(&g->text);
}
