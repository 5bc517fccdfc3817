/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>
#include <time.h>

/* What answers say of an object. */

#define CLOCK_SLACK INT64_C(2000000000) /* ns */
#define EMPTY_MD5 "d41d8cd98f00b204e9800998ecf8427e"

static bool is_md5(const char *text, size_t n)
{
	unsigned char digest[16];

	return n == 32 && hex_bytes(text, n, digest);
}

/* An etag is the MD5 of the content unless it was put in parts, or encrypted under another key. */
static bool etag_is_digest(const struct s3_session *s)
{
	const char *sse = s3_answer_header(s, "x-amz-server-side-encryption");

	return !(s->s3->quirks & S3_ETAG_NOT_MD5) && (!sse || !strcmp(sse, "AES256")) &&
	       !s3_answer_header(s, "x-amz-server-side-encryption-customer-algorithm") &&
	       !s->s3->sse_c_key[0];
}

/* s: NULL: no digest is taken from it. */
void s3_set_etag(struct s3_session *s, struct migrate_object *o, const char *text, size_t n)
{
	unsigned char digest[16];

	if (n >= 2 && text[0] == '"' && text[n - 1] == '"') {
		text++;
		n -= 2;
	}
	migrate_set_etag(o, text, n);
	if (s && is_md5(text, n) && etag_is_digest(s) && hex_bytes(text, n, digest))
		migrate_set_digest(o, MIGRATE_MD5, digest, sizeof(digest));
}

static bool base64_bytes(const char *text, unsigned char *bytes, size_t n)
{
	struct text word = { .p = NULL }, decoded = { .p = NULL };
	bool ok;

	text_str(&word, "=?UTF-8?B?");
	text_str(&word, text);
	text_str(&word, "?=");
	s3_decode_word(&decoded, text_get(&word));
	ok = !decoded.bad && decoded.n == n && strncmp(text_get(&decoded), "=?", 2) != 0;
	if (ok)
		memcpy(bytes, decoded.p, n);
	text_release(&word);
	text_release(&decoded);
	return ok;
}

/* Checksums of the whole object; those of parts have another type, and a number behind them. */
static void take_checksums(const struct s3_session *s, struct migrate_object *o)
{
	static const struct {
		const char *name;
		enum migrate_digest_algorithm algorithm;
		size_t n;
	} kinds[] = {
		{ "x-amz-checksum-sha256", MIGRATE_SHA256, 32 },
		{ "x-amz-checksum-sha1", MIGRATE_SHA1, 20 },
		{ "x-amz-checksum-crc32c", MIGRATE_CRC32C, 4 },
		{ "x-amz-checksum-crc32", MIGRATE_CRC32, 4 },
		{ "x-amz-checksum-crc64nvme", MIGRATE_CRC64NVME, 8 },
	};
	const char *type = s3_answer_header(s, "x-amz-checksum-type");
	unsigned char bytes[32];

	if (type && strcmp(type, "FULL_OBJECT") != 0)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *text = s3_answer_header(s, kinds[i].name);

		if (text && base64_bytes(text, bytes, kinds[i].n))
			migrate_set_digest(o, kinds[i].algorithm, bytes, kinds[i].n);
	}
}

static bool is_time(const char *text)
{
	return *text && strspn(text, "0123456789.") == strlen(text);
}

static bool is_octal(const char *text)
{
	return *text && strspn(text, "01234567") == strlen(text);
}

/* A name that the core cannot carry is lost by it, and said; never cut to be another one. */
static void take_meta(struct migrate_object *o, const char *name, const char *value)
{
	struct text attribute = { .p = NULL }, decoded = { .p = NULL };

	s3_decode_word(&decoded, value);
	if (!strcmp(name, "mtime") && is_time(value)) {
		text_str(&attribute, "mtime");
	} else if (!strcmp(name, "migrate-mode") && is_octal(value)) {
		text_str(&attribute, "mode");
	} else if (!strcmp(name, "migrate-owner")) {
		text_str(&attribute, "owner");
	} else {
		text_str(&attribute, "meta:");
		text_str(&attribute, name);
	}
	migrate_set_attribute(o->attributes, text_get(&attribute), text_get(&decoded), decoded.n);
	text_release(&attribute);
	text_release(&decoded);
}

static void take_attribute(struct migrate_object *o, const char *name, const char *value)
{
	static const char *const same[] = {
		"cache-control",    "content-disposition", "content-encoding",
		"content-language", "content-type",        "expires",
	};

	if (!strncmp(name, "x-amz-meta-", 11) && name[11]) {
		take_meta(o, name + 11, value);
		return;
	}
	if (!strcmp(name, "x-amz-storage-class"))
		migrate_set_attribute(o->attributes, "storage-class", value, strlen(value));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (!strcmp(name, same[i]) && *value)
			migrate_set_attribute(o->attributes, name, value, strlen(value));
}

static void take_attributes(const struct s3_session *s, struct migrate_object *o)
{
	const char *p = text_get(&s->answer.head), *end = p + s->answer.head.n;

	while (p < end) {
		const char *value = p + strlen(p) + 1;

		take_attribute(o, p, value);
		p = value + strlen(value) + 1;
	}
}

static bool is_size(const char *text, uint64_t *size)
{
	return text_number(text, size) && *size <= S3_SIZE_MAX;
}

/* False: it does not say, as when something on the way unpacks what it sends. */
static bool take_size(const struct s3_session *s, struct migrate_object *o)
{
	const char *text = s3_answer_header(s, "content-range"), *etag;

	if (text)
		return (text = strrchr(text, '/')) && is_size(text + 1, &o->size);
	text = s3_answer_header(s, "content-length");
	if (text)
		return is_size(text, &o->size);
	/* nothing has no length, says who sends no header for it */
	etag = s3_answer_header(s, "etag");
	o->size = 0;
	return etag && strstr(etag, EMPTY_MD5);
}

/* What whole seconds and a slow answer explain is nothing. */
int64_t s3_clock_ahead(const struct s3_session *s)
{
	const char *date = s3_answer_header(s, "date");
	int64_t ns, ahead;

	if (!date || !time_parse(date, &ns))
		return 0;
	ahead = ns - (int64_t)time(NULL) * INT64_C(1000000000);
	return ahead > -CLOCK_SLACK && ahead < CLOCK_SLACK ? 0 : ahead;
}

int64_t s3_by_our_clock(const struct s3_session *s, int64_t ns)
{
	const int64_t last = INT64_MAX / 2; /* so that it can be reckoned with; the year 2116 */
	int64_t ours;

	return __builtin_sub_overflow(ns, s3_clock_ahead(s), &ours) || ours > last ? last : ours;
}

enum migrate_status s3_take_head(struct s3_session *s, struct migrate_object *o)
{
	const char *etag = s3_answer_header(s, "etag"),
		   *modified = s3_answer_header(s, "last-modified");
	int64_t ns;

	if (!take_size(s, o))
		return migrate_fail(s->ms, MIGRATE_TRANSIENT,
				    "the server does not say how many bytes the object has");
	if (etag)
		s3_set_etag(s, o, etag, strlen(etag));
	if (modified && time_parse(modified, &ns)) {
		o->mtime = ns;
		o->written = s3_by_our_clock(s, ns);
	}
	if (s->answer.status != 206)
		take_checksums(s, o);
	if (o->attributes)
		take_attributes(s, o);
	return MIGRATE_OK;
}

/* ---- What needs a request of its own ---- */

struct tags {
	struct migrate_attributes *to;
	char key[600];
};

static bool take_tag(void *arg, const char *path, char *text, size_t n)
{
	struct tags *t = arg;

	if (!strcmp(path, "TagSet/Tag/Key")) {
		if (n > 512)
			return false;
		memcpy(t->key, "tag:", 4);
		text_copy(t->key + 4, sizeof(t->key) - 4, text);
	} else if (!strcmp(path, "TagSet/Tag/Value")) {
		migrate_set_attribute(t->to, t->key, text, n);
	}
	return true;
}

static enum migrate_status take_tags(struct s3_session *s, struct migrate_bytes key,
				     struct migrate_object *o)
{
	struct tags t = { .to = o->attributes, .key = "tag:" };
	enum migrate_status status;

	s3_begin(s, "GET", key);
	s3_query_text(s, "tagging", "");
	status = s3_send(s, "reading tags");
	if (status != MIGRATE_OK)
		return status;
	return s3_document(s, "Tagging", take_tag, &t, "reading tags");
}

struct grants {
	char uri[128];
	bool everyone, users;
};

static bool take_grant(void *arg, const char *path, char *text, size_t n)
{
	struct grants *g = arg;

	(void)n;
	if (!strcmp(path, "AccessControlList/Grant"))
		g->uri[0] = '\0';
	else if (!strcmp(path, "AccessControlList/Grant/Grantee/URI"))
		text_copy(g->uri, sizeof(g->uri), text);
	else if (!strcmp(path, "AccessControlList/Grant/Permission") &&
		 (!strcmp(text, "READ") || !strcmp(text, "FULL_CONTROL"))) {
		g->everyone |= strstr(g->uri, "/AllUsers") != NULL;
		g->users |= strstr(g->uri, "/AuthenticatedUsers") != NULL;
	}
	return true;
}

enum migrate_status s3_read_acl(struct s3_session *s, struct migrate_bytes key, const char **canned)
{
	struct grants g = { .uri = "" };
	enum migrate_status status;

	s3_begin(s, "GET", key);
	s3_query_text(s, "acl", "");
	status = s3_send(s, "reading the access control list");
	if (status == MIGRATE_OK)
		status = s3_document(s, "AccessControlPolicy", take_grant, &g,
				     "reading the access "
				     "control list");
	*canned = g.everyone ? "public-read" : g.users ? "authenticated-read" : "private";
	return status;
}

enum migrate_status s3_take_more(struct s3_session *s, struct migrate_bytes key,
				 struct migrate_object *o)
{
	const char *count = s3_answer_header(s, "x-amz-tagging-count"), *acl;
	enum migrate_status status = MIGRATE_OK;
	/* AWS says how many there are, if any; of others that is not known */
	bool any = count ? strcmp(count, "0") != 0 : !(s->s3->quirks & S3_KNOWN);

	if (any && s->s3->config.tags && !(s->s3->quirks & S3_NO_TAGS))
		status = take_tags(s, key, o);
	if (status != MIGRATE_OK || s->s3->config.acl != S3_ACL_COPY || s->s3->quirks & S3_NO_ACL)
		return status;
	status = s3_read_acl(s, key, &acl);
	if (status == MIGRATE_OK)
		migrate_set_attribute(o->attributes, "acl", acl, strlen(acl));
	return status;
}
