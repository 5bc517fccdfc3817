/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static const char *const kept_headers[] = {
	"cache-control",
	"content-disposition",
	"content-encoding",
	"content-language",
	"content-type",
	"expires",
	"x-amz-server-side-encryption",
	"x-amz-server-side-encryption-aws-kms-key-id",
	"x-amz-server-side-encryption-bucket-key-enabled",
	"x-amz-storage-class",
	"x-amz-website-redirect-location",
};

static const char *const storage_classes[] = {
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
	"GLACIER",  "DEEP_ARCHIVE",       "GLACIER_IR",
};

static const char *const canned_acls[] = {
	"private",       "public-read",       "public-read-write",         "authenticated-read",
	"aws-exec-read", "bucket-owner-read", "bucket-owner-full-control",
};

static bool is_listed(const char *const *list, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i], s))
			return true;
	}
	return false;
}

#define IS_LISTED(list_, s_) is_listed(list_, sizeof(list_) / sizeof(list_[0]), s_)

/* aws-chunked is how the body came, not what the object is. */
static void keep_encoding(struct object *o, const char *value)
{
	struct text t = { NULL, 0, 0 };

	while (*value) {
		const char *start = value + strspn(value, " ,");
		size_t n = strcspn(start, ",");

		value = start + n;
		if (n == 11 && !memcmp(start, "aws-chunked", 11))
			continue;
		if (t.len && n)
			text_puts(&t, ",");
		text_add(&t, start, n);
	}
	if (t.len)
		attrs_set(&o->attrs, "content-encoding", t.p);
	text_release(&t);
}

static bool read_metadata(struct exchange *x, struct object *o)
{
	long long size = 0;

	for (size_t i = 0; i < x->q.header_count; i++) {
		const struct header *h = &x->q.headers[i];
		const char *old;

		if (strncmp(h->name, "x-amz-meta-", 11) != 0)
			continue;
		for (char *p = h->name; sw(x, SW_META_DASH) == YES && *p; p++)
			*p = *p == '_' ? '-' : *p;
		size += (long long)(strlen(h->name) - 11 + strlen(h->value));
		old = attrs_get(&o->attrs, h->name);
		if (old) {
			struct text both = { NULL, 0, 0 };

			text_printf(&both, "%s,%s", old, h->value);
			attrs_set(&o->attrs, h->name, both.p);
			text_release(&both);
		} else {
			attrs_set(&o->attrs, h->name, h->value);
		}
	}
	return size <= sw(x, SW_META_MAX) ||
	       fail(x, 400, "MetadataTooLarge",
		    "Your metadata headers exceed the maximum allowed metadata size");
}

static bool check_storage_class(struct exchange *x, struct object *o)
{
	const char *class = attrs_get(&o->attrs, "x-amz-storage-class");

	if (!class)
		return true;
	if (sw(x, SW_STORAGE_CLASS) == NO)
		attrs_set(&o->attrs, "x-amz-storage-class", "STANDARD");
	else if (!IS_LISTED(storage_classes, class))
		return fail(x, 400, "InvalidStorageClass",
			    "The storage class you specified is not valid");
	return true;
}

bool read_attrs(struct exchange *x, struct object *o)
{
	for (size_t i = 0; i < sizeof(kept_headers) / sizeof(kept_headers[0]); i++) {
		const char *value = request_header(&x->q, kept_headers[i]);

		if (!value)
			continue;
		if (!strcmp(kept_headers[i], "content-encoding"))
			keep_encoding(o, value);
		else
			attrs_set(&o->attrs, kept_headers[i], value);
	}
	if (!attrs_get(&o->attrs, "content-type"))
		attrs_set(&o->attrs, "content-type", "binary/octet-stream");
	return check_storage_class(x, o) && read_metadata(x, o);
}

bool read_tags_header(struct exchange *x, struct object *o)
{
	const char *p = request_header(&x->q, "x-amz-tagging");

	if (!p)
		return true;
	if (sw(x, SW_TAGGING) != YES)
		return sw(x, SW_TAGGING) == NO || fail_not_implemented(x, "x-amz-tagging");
	while (*p) {
		size_t n = strcspn(p, "&");
		const char *equals = memchr(p, '=', n);
		size_t name = equals ? (size_t)(equals - p) : n;
		char *key = must_dup(p, name),
		     *value = must_dup(equals ? equals + 1 : "", equals ? n - name - 1 : 0);

		key[url_decode(key, key, strlen(key), true)] = '\0';
		value[url_decode(value, value, strlen(value), true)] = '\0';
		if (n)
			attrs_set(&o->tags, key, value);
		free(key);
		free(value);
		p += n + (p[n] == '&');
	}
	return o->tags.count <= 10 ||
	       fail(x, 400, "BadRequest", "Object tags cannot be greater than 10");
}

bool read_acl_header(struct exchange *x, struct object *o)
{
	const char *acl = request_header(&x->q, "x-amz-acl");

	free(o->acl);
	o->acl = must_text("private");
	if (!acl || sw(x, SW_ACL) == NO)
		return true;
	if (sw(x, SW_ACL) == REFUSED)
		return fail_not_implemented(x, "x-amz-acl");
	if (!IS_LISTED(canned_acls, acl))
		return fail(x, 400, "InvalidArgument", "The canned ACL is not known");
	if (x->b->owner_enforced && strcmp(acl, "bucket-owner-full-control") != 0)
		return fail(x, 400, "AccessControlListNotSupported",
			    "The bucket does not allow ACLs");
	free(o->acl);
	o->acl = must_text(acl);
	return true;
}

/* The MD5 of the customer's key in the headers, checked; "" when there is none. */
static bool customer_key(struct exchange *x, const char *prefix, char to[32])
{
	char name[96];
	const char *algorithm, *key, *md5;
	unsigned char raw[32], digest[16];
	struct text made = { NULL, 0, 0 };
	bool good;

	snprintf(name, sizeof(name), "%s-algorithm", prefix);
	algorithm = request_header(&x->q, name);
	snprintf(name, sizeof(name), "%s-key", prefix);
	key = request_header(&x->q, name);
	snprintf(name, sizeof(name), "%s-key-md5", prefix);
	md5 = request_header(&x->q, name);
	to[0] = '\0';
	if (!algorithm && !key && !md5)
		return true;
	if (sw(x, SW_TLS_SSE_C) == YES && !x->server->config.tls)
		return fail(x, 400, "InvalidRequest",
			    "Requests specifying Server Side Encryption with Customer provided "
			    "keys must be made over a secure connection.");
	if (!algorithm || strcmp(algorithm, "AES256") != 0 || !key || !md5 ||
	    base64_decode(key, raw, sizeof(raw)) != 32)
		return fail(x, 400, "InvalidArgument", "The customer's key is not complete.");
	EVP_Digest(raw, 32, digest, NULL, EVP_md5(), NULL);
	text_base64(&made, digest, 16);
	good = !strcmp(made.p, md5);
	snprintf(to, 32, "%s", made.p);
	text_release(&made);
	return good || fail(x, 400, "InvalidArgument",
			    "The calculated MD5 hash of the key did not match the hash that was "
			    "provided.");
}

bool read_sse_c(struct exchange *x, struct object *o)
{
	return customer_key(x, "x-amz-server-side-encryption-customer", o->sse_c);
}

bool check_sse_c(struct exchange *x, const struct object *o, const char *prefix)
{
	char md5[32];

	if (!customer_key(x, prefix, md5))
		return false;
	if (!o->sse_c[0] && !md5[0])
		return true;
	if (!md5[0])
		return fail(x, 400, "InvalidRequest",
			    "The object was stored using a form of Server Side Encryption. The "
			    "correct parameters must be provided to retrieve the object.");
	if (!o->sse_c[0])
		return fail(x, 400, "InvalidRequest",
			    "The encryption parameters are not applicable to this object.");
	return !strcmp(md5, o->sse_c) || fail(x, 403, "AccessDenied", "Access Denied");
}

static bool is_archived(const struct exchange *x, const struct object *o)
{
	const char *class = attrs_get(&o->attrs, "x-amz-storage-class");

	return class && (!strcmp(class, "GLACIER") || !strcmp(class, "DEEP_ARCHIVE")) &&
	       o->restored_until < server_now(x->server);
}

bool check_archive(struct exchange *x, const struct object *o)
{
	struct text elements = { NULL, 0, 0 };

	if (!is_archived(x, o))
		return true;
	text_printf(&elements, "<StorageClass>%s</StorageClass>",
		    attrs_get(&o->attrs, "x-amz-storage-class"));
	fail_with(x, 403, "InvalidObjectState",
		  "The operation is not valid for the object's storage class", elements.p);
	text_release(&elements);
	return false;
}

static void reply_restore(struct exchange *x, const struct object *o)
{
	char date[40];

	if (!o->restored_until)
		return;
	http_date(date, o->restored_until);
	reply_header(&x->r, "x-amz-restore", "ongoing-request=\"false\", expiry-date=\"%s\"", date);
}

void reply_sums(struct exchange *x, const struct object *o)
{
	bool any = false;
	char name[40];

	for (int i = 0; i < SUM_COUNT; i++) {
		if (!o->sums[i][0])
			continue;
		snprintf(name, sizeof(name), "x-amz-checksum-%s", sum_names[i]);
		reply_header(&x->r, name, "%s", o->sums[i]);
		any = true;
	}
	if (any)
		reply_header(&x->r, "x-amz-checksum-type",
			     o->composite ? "COMPOSITE" : "FULL_OBJECT");
}

/* Servers spell the headers of HTTP as its documents do, and their own in lower case. */
static void reply_attr(struct exchange *x, const struct attr *a)
{
	char name[64];
	bool first = true;
	size_t i;

	for (i = 0; a->name[i] && i + 1 < sizeof(name); i++) {
		name[i] = (char)(first && strncmp(a->name, "x-amz-", 6) != 0
				     ? toupper((unsigned char)a->name[i])
				     : a->name[i]);
		first = a->name[i] == '-';
	}
	name[i] = '\0';
	reply_header(&x->r, a->name[i] ? a->name : name, "%s", a->value);
}

void reply_attrs(struct exchange *x, const struct object *o)
{
	const char *mode = request_header(&x->q, "x-amz-checksum-mode");
	char date[40];

	http_date(date, o->changed);
	reply_header(&x->r, "Last-Modified", "%s", date);
	reply_header(&x->r, "ETag", "\"%s\"", o->etag);
	reply_header(&x->r, "Accept-Ranges", "bytes");
	for (size_t i = 0; i < o->attrs.count; i++) {
		const struct attr *a = &o->attrs.v[i];

		if (strcmp(a->name, "x-amz-storage-class") != 0 ||
		    strcmp(a->value, "STANDARD") != 0)
			reply_attr(x, a);
	}
	if (o->sse_c[0]) {
		reply_header(&x->r, "x-amz-server-side-encryption-customer-algorithm", "AES256");
		reply_header(&x->r, "x-amz-server-side-encryption-customer-key-MD5", "%s",
			     o->sse_c);
	}
	reply_restore(x, o);
	if (o->tags.count)
		reply_header(&x->r, "x-amz-tagging-count", "%zu", o->tags.count);
	if (mode && !strcasecmp(mode, "ENABLED") && !request_header(&x->q, "range"))
		reply_sums(x, o);
}
