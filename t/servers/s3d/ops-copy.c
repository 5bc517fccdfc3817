/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

/* "[/]BUCKET/KEY[?versionId=null]", percent-encoded. */
struct source {
	char *text;
	const char *bucket;
	struct bytes key;
};

static bool parse_source(struct exchange *x, struct source *s)
{
	const char *header = request_header(&x->q, "x-amz-copy-source");
	size_t n = strcspn(header, "?");
	char *slash;

	if (header[n] && strcmp(header + n, "?versionId=null") != 0)
		return fail(x, 404, "NoSuchVersion", "The specified version does not exist.");
	s->text = must_dup(header, n);
	n = url_decode(s->text, s->text, n, sw(x, SW_PATH_PLUS) == YES);
	s->text[n] = '\0';
	s->bucket = s->text[0] == '/' ? s->text + 1 : s->text;
	slash = strchr(s->bucket, '/');
	if (!slash || slash == s->bucket || slash + 1 == s->text + n)
		return fail(x, 400, "InvalidArgument",
			    "Invalid copy source object key, expected /bucket/key");
	*slash = '\0';
	s->key = (struct bytes){ slash + 1, (size_t)(s->text + n - slash - 1) };
	return true;
}

static struct object *find_source(struct exchange *x, const struct source *s)
{
	struct bucket *b = store_bucket(&x->server->store, s->bucket);
	struct object *o;

	if (!b) {
		fail(x, 404, "NoSuchBucket", "The specified bucket does not exist");
		return NULL;
	}
	if (b->requester_pays && !request_header(&x->q, "x-amz-request-payer")) {
		fail(x, 403, "AccessDenied", "Access Denied");
		return NULL;
	}
	if (!check_owner(x, "x-amz-source-expected-bucket-owner"))
		return NULL;
	o = bucket_object(b, s->key);
	if (!o)
		fail_no_key(x);
	return o;
}

struct object *copy_source(struct exchange *x)
{
	struct source s = { NULL, NULL, { NULL, 0 } };
	struct object *o = NULL;

	if (parse_source(x, &s))
		o = find_source(x, &s);
	if (o && (!check_sse_c(x, o, "x-amz-copy-source-server-side-encryption-customer") ||
		  !check_archive(x, o) || !check_copy_conditions(x, o)))
		o = NULL;
	free(s.text);
	return o;
}

/* False when it was answered. */
static bool read_directive(struct exchange *x, const char *name, bool *replace)
{
	const char *value = request_header(&x->q, name);

	*replace = value && !strcmp(value, "REPLACE");
	if (!value || *replace || !strcmp(value, "COPY"))
		return true;
	return fail(x, 400, "InvalidArgument", "Unknown directive.");
}

static bool check_self(struct exchange *x, const struct object *from, bool replace)
{
	static const char *const changes[] = { "x-amz-storage-class",
					       "x-amz-website-redirect-location",
					       "x-amz-server-side-encryption",
					       "x-amz-server-side-encryption-customer-key" };

	if (replace || bucket_object(x->b, x->key) != from)
		return true;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (request_header(&x->q, changes[i]))
			return true;
	}
	return fail(x, 400, "InvalidRequest",
		    "This copy request is illegal because it is trying to copy an object to "
		    "itself without changing the object's metadata, storage class, website "
		    "redirect location or encryption attributes.");
}

/*
 * The new object's headers: with COPY the source's, but the storage class, the
 * encryption and the redirect are always those of the request.
 */
static bool copy_attrs(struct exchange *x, const struct object *from, struct object *to,
		       bool replace)
{
	struct object sent = { 0 };
	bool good = read_attrs(x, &sent);

	if (good && replace)
		attrs_copy(&to->attrs, &sent.attrs);
	for (size_t i = 0; good && !replace && i < from->attrs.count; i++) {
		const struct attr *a = &from->attrs.v[i];

		if (strcmp(a->name, "x-amz-storage-class") != 0 &&
		    strcmp(a->name, "x-amz-website-redirect-location") != 0 &&
		    strncmp(a->name, "x-amz-server-side-encryption", 28) != 0)
			attrs_set(&to->attrs, a->name, a->value);
	}
	for (size_t i = 0; good && !replace && i < sent.attrs.count; i++) {
		const struct attr *a = &sent.attrs.v[i];

		if (!strncmp(a->name, "x-amz-", 6) && strncmp(a->name, "x-amz-meta-", 11) != 0)
			attrs_set(&to->attrs, a->name, a->value);
	}
	attrs_release(&sent.attrs);
	return good;
}

static bool make_copy(struct exchange *x, const struct object *from, struct object *to)
{
	bool replace, replace_tags;
	int kind = -1;

	if (!read_directive(x, "x-amz-metadata-directive", &replace) ||
	    !read_directive(x, "x-amz-tagging-directive", &replace_tags) ||
	    !check_self(x, from, replace) || !copy_attrs(x, from, to, replace) ||
	    !read_acl_header(x, to) || !read_sse_c(x, to))
		return false;
	if (replace_tags && !read_tags_header(x, to))
		return false;
	if (!replace_tags)
		attrs_copy(&to->tags, &from->tags);
	for (int i = 0; i < SUM_COUNT; i++)
		kind = from->sums[i][0] ? i : kind;
	to->data = blob_ref(from->data);
	object_seal(x, to, kind);
	return true;
}

static void reply_copy(struct exchange *x, const struct object *o)
{
	xml_start(x, "CopyObjectResult");
	xml_date(x, "LastModified", o->changed);
	text_printf(&x->r.body, "<ETag>&quot;%s&quot;</ETag>", o->etag);
	for (int i = 0; i < SUM_COUNT; i++) {
		struct text name = { NULL, 0, 0 };

		if (!o->sums[i][0])
			continue;
		text_puts(&name, "Checksum");
		for (const char *p = sum_names[i]; *p; p++)
			text_printf(&name, "%c", *p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		xml_element(x, name.p, bytes_of(o->sums[i]));
		text_release(&name);
	}
	xml_end(x, "CopyObjectResult");
}

void op_copy(struct exchange *x)
{
	struct object *from, *to;

	if (sw(x, SW_COPY) != YES) {
		fail_not_implemented(x, "x-amz-copy-source");
		return;
	}
	if (!find_bucket(x) || !(from = copy_source(x)))
		return;
	if ((long long)from->data->len > sw(x, SW_MAX_COPY)) {
		fail(x, 400, "InvalidRequest",
		     "The specified copy source is larger than the maximum allowable size for a "
		     "copy source");
		return;
	}
	if (!check_write_conditions(x, SW_COPY_IF, SW_COPY_IF))
		return;
	to = object_new();
	if (!make_copy(x, from, to)) {
		object_free(to);
		return;
	}
	reply_copy(x, to);
	bucket_put_object(x->b, x->key, to);
}
