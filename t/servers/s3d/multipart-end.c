/* SPDX-License-Identifier: MIT */
#include "s3d.h"
#include "xml.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

/* What CompleteMultipartUpload was told, each part of it checked. */
struct ending {
	struct exchange *x;
	struct upload *u;
	struct part **parts; /* in their order */
	unsigned count;
	size_t size;
};

static bool malformed_xml(struct exchange *x)
{
	return fail(x, 400, "MalformedXML",
		    "The XML you provided was not well-formed or did not validate against our "
		    "published schema");
}

static bool invalid_part(struct exchange *x, unsigned long long number)
{
	struct text elements = { NULL, 0, 0 };

	text_printf(&elements, "<PartNumber>%llu</PartNumber>", number);
	fail_with(x, 400, "InvalidPart",
		  "One or more of the specified parts could not be found. The part may not have "
		  "been uploaded, or the specified entity tag may not match the part's entity tag.",
		  elements.p);
	text_release(&elements);
	return false;
}

static void sum_element(int kind, char to[40])
{
	size_t n = (size_t)snprintf(to, 40, "Checksum%s", sum_names[kind]);

	for (size_t i = 8; i < n; i++)
		to[i] = (char)(to[i] >= 'a' && to[i] <= 'z' ? to[i] - 32 : to[i]);
}

static bool check_part_sum(struct ending *e, const struct xml *said, const struct part *p,
			   unsigned long long number)
{
	for (int i = 0; i < SUM_COUNT; i++) {
		char name[40];
		const char *value;

		sum_element(i, name);
		value = xml_value(said, name);
		if (value && p->sums[i][0] && strcmp(value, p->sums[i]) != 0)
			return invalid_part(e->x, number);
		if (!value && i == e->u->sum_kind && !e->u->full_object)
			return fail(e->x, 400, "InvalidRequest",
				    "The upload was created using a checksum. The complete request "
				    "must include the checksum for each part.");
	}
	return true;
}

static bool take_part(struct ending *e, const struct xml *said, unsigned long long *before)
{
	const char *number_text = xml_value(said, "PartNumber");
	const char *etag = xml_value(said, "ETag");
	unsigned long long number;
	struct part *p;

	if (!number_text || !number_of(number_text, 10000, &number) || !number || !etag)
		return malformed_xml(e->x);
	if (number <= *before)
		return fail(e->x, 400, "InvalidPartOrder",
			    "The list of parts was not in ascending order. Parts must be ordered "
			    "by part number.");
	*before = number;
	p = number <= e->u->part_slots ? e->u->parts[number - 1] : NULL;
	if (!p || strchr(etag, '*') || !etag_matches(etag, p->etag))
		return invalid_part(e->x, number);
	e->parts[e->count++] = p;
	e->size += p->data->len;
	return check_part_sum(e, said, p, number);
}

static bool take_parts(struct ending *e, const struct xml *doc)
{
	unsigned long long before = 0;

	if (!doc || strcmp(doc->name, "CompleteMultipartUpload") != 0 || !doc->count)
		return malformed_xml(e->x);
	e->parts = must_alloc(doc->count * sizeof(e->parts[0]));
	for (size_t i = 0; i < doc->count; i++) {
		if (strcmp(doc->children[i]->name, "Part") != 0)
			return malformed_xml(e->x);
		if (!take_part(e, doc->children[i], &before))
			return false;
	}
	return true;
}

static bool check_sizes(struct ending *e)
{
	const char *declared = request_header(&e->x->q, "x-amz-mp-object-size");
	unsigned long long n;

	for (unsigned i = 0; i + 1 < e->count; i++) {
		size_t size = e->parts[i]->data->len;

		if ((long long)size < sw(e->x, SW_MIN_PART))
			return fail(e->x, 400, "EntityTooSmall",
				    "Your proposed upload is smaller than the minimum allowed "
				    "size");
		if (sw(e->x, SW_EQUAL_PARTS) == YES && size != e->parts[0]->data->len)
			return fail(e->x, 400, "InvalidPart",
				    "All non-trailing parts must have the same length.");
	}
	if (sw(e->x, SW_EQUAL_PARTS) == YES && e->count &&
	    e->parts[e->count - 1]->data->len > e->parts[0]->data->len)
		return fail(e->x, 400, "InvalidPart", "The last part is larger than the others.");
	if (declared && number_of(declared, 1ULL << 60, &n) && n != e->size)
		return fail(e->x, 400, "InvalidRequest",
			    "The provided 'x-amz-mp-object-size' header does not match the size of "
			    "the parts.");
	return true;
}

static void multipart_etag(struct ending *e, char to[ETAG_SIZE])
{
	struct text all = { NULL, 0, 0 };
	char md5[ETAG_SIZE];

	for (unsigned i = 0; i < e->count; i++) {
		const char *p = e->parts[i]->etag;

		for (; p[0] && p[1]; p += 2) {
			char byte = (char)(hex_value(p[0]) << 4 | hex_value(p[1]));

			text_add(&all, &byte, 1);
		}
	}
	if (sw(e->x, SW_MULTIPART_MD5) == YES)
		etag_md5(all.p, all.len, md5);
	else
		etag_random(e->x, md5);
	snprintf(to, ETAG_SIZE, "%.32s-%u", md5, e->count);
	text_release(&all);
}

static void composite_sum(struct ending *e, struct object *o)
{
	enum sum_kind kind = (enum sum_kind)e->u->sum_kind;
	struct text all = { NULL, 0, 0 };
	char sum[SUM_SIZE];

	for (unsigned i = 0; i < e->count; i++)
		sum_make_raw(kind, e->parts[i]->data->p, e->parts[i]->data->len, &all);
	sum_make(kind, all.p, all.len, sum);
	snprintf(o->sums[kind], SUM_SIZE, "%.50s-%u", sum, e->count);
	o->composite = true;
	text_release(&all);
}

/* The object's sum, and whether the request declared the same. */
static bool whole_sum(struct ending *e, struct object *o)
{
	int kind = e->u->sum_kind, declared;
	const char *value;

	if (sw(e->x, SW_CHECKSUMS) != YES)
		return true;
	if (kind >= 0 && !e->u->full_object) {
		composite_sum(e, o);
	} else {
		kind = kind < 0 ? SUM_CRC64NVME : kind;
		sum_make((enum sum_kind)kind, o->data->p, o->data->len, o->sums[kind]);
	}
	if (!declared_sum(e->x, &declared, &value))
		return true;
	if (!o->composite && declared != kind)
		sum_make((enum sum_kind)declared, o->data->p, o->data->len, o->sums[declared]);
	return !strcmp(value, o->sums[declared]) ||
	       fail(e->x, 400, "BadDigest",
		    "The checksum you specified did not match the calculated checksum.");
}

static bool join_parts(struct ending *e, struct object *o)
{
	size_t at = 0;

	o->data = blob_new(e->size);
	o->part_count = e->count;
	o->part_sizes = must_alloc(e->count * sizeof(o->part_sizes[0]));
	for (unsigned i = 0; i < e->count; i++) {
		const struct blob *b = e->parts[i]->data;

		memcpy(o->data->p + at, b->p, b->len);
		at += b->len;
		o->part_sizes[i] = b->len;
	}
	o->changed = server_now(e->x->server);
	multipart_etag(e, o->etag);
	return whole_sum(e, o);
}

static void reply_complete(struct exchange *x, const struct object *o)
{
	char name[40];

	xml_start(x, "CompleteMultipartUploadResult");
	text_puts(&x->r.body, "<Location>");
	text_xml(&x->r.body, bytes_of(x->q.path));
	text_puts(&x->r.body, "</Location>");
	xml_element(x, "Bucket", bytes_of(x->bucket));
	xml_element(x, "Key", x->key);
	if (sw(x, SW_COMPLETE_ETAG) == YES)
		text_printf(&x->r.body, "<ETag>&quot;%s&quot;</ETag>", o->etag);
	else
		text_puts(&x->r.body, "<ETag></ETag>");
	for (int i = 0; i < SUM_COUNT; i++) {
		if (!o->sums[i][0])
			continue;
		sum_element(i, name);
		xml_element(x, name, bytes_of(o->sums[i]));
		xml_element(x, "ChecksumType",
			    bytes_of(o->composite ? "COMPOSITE" : "FULL_OBJECT"));
	}
	xml_end(x, "CompleteMultipartUploadResult");
}

/* The object takes over what the upload knew; false when the sums do not fit. */
static bool finish(struct ending *e)
{
	struct exchange *x = e->x;
	struct object *o = object_new();

	attrs_copy(&o->attrs, &e->u->meta->attrs);
	attrs_copy(&o->tags, &e->u->meta->tags);
	o->acl = must_text(e->u->meta->acl);
	memcpy(o->sse_c, e->u->meta->sse_c, sizeof(o->sse_c));
	if (!join_parts(e, o)) {
		object_free(o);
		return false;
	}
	reply_complete(x, o);
	bucket_put_object(x->b, x->key, o);
	bucket_drop_upload(x->b, e->u);
	return true;
}

void op_complete(struct exchange *x)
{
	struct ending e = { .x = x };
	const char *id = request_value(&x->q, "uploadId");
	struct xml *doc;

	if (!find_bucket(x))
		return;
	e.u = bucket_upload(x->b, x->key, id ? id : "");
	if (!e.u) {
		fail(x, 404, "NoSuchUpload",
		     "The specified upload does not exist. The upload ID may be invalid, or the "
		     "upload may have been aborted or completed.");
		return;
	}
	doc = xml_parse(x->q.body->p, x->q.body->len);
	if (take_parts(&e, doc) && check_sizes(&e) &&
	    check_write_conditions(x, SW_COMPLETE_IF, SW_COMPLETE_IF))
		finish(&e);
	xml_free(doc);
	free(e.parts);
}
