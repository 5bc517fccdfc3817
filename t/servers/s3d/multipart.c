/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

static struct upload *find_upload(struct exchange *x)
{
	const char *id = request_value(&x->q, "uploadId");
	struct upload *u;

	if (!find_bucket(x))
		return NULL;
	u = bucket_upload(x->b, x->key, id ? id : "");
	if (!u)
		fail(x, 404, "NoSuchUpload",
		     "The specified upload does not exist. The upload ID may be invalid, or the "
		     "upload may have been aborted or completed.");
	return u;
}

static bool read_sum_kind(struct exchange *x, struct upload *u)
{
	const char *algorithm = request_header(&x->q, "x-amz-checksum-algorithm");
	const char *type = request_header(&x->q, "x-amz-checksum-type");

	u->sum_kind = -1;
	if (!algorithm || sw(x, SW_CHECKSUMS) == NO)
		return true;
	if (sw(x, SW_CHECKSUMS) == REFUSED)
		return fail_not_implemented(x, "x-amz-checksum-algorithm");
	u->sum_kind = sum_kind_of(algorithm);
	if (u->sum_kind < 0)
		return fail(x, 400, "InvalidRequest",
			    "Checksum algorithm provided is unsupported.");
	u->full_object = type ? !strcasecmp(type, "FULL_OBJECT") : u->sum_kind == SUM_CRC64NVME;
	if (u->full_object && (u->sum_kind == SUM_SHA1 || u->sum_kind == SUM_SHA256))
		return fail(x, 400, "InvalidRequest",
			    "The FULL_OBJECT checksum type cannot be used with this algorithm.");
	return u->full_object || u->sum_kind != SUM_CRC64NVME ||
	       fail(x, 400, "InvalidRequest",
		    "The COMPOSITE checksum type cannot be used with the crc64nvme algorithm.");
}

static struct upload *upload_new(struct exchange *x)
{
	struct upload *u = must_zero(sizeof(*u));
	char random[ETAG_SIZE];

	etag_random(x, random);
	snprintf(u->id, sizeof(u->id), "%.32s.%llu", random,
		 (unsigned long long)++x->server->store.next_id);
	u->key = must_dup(x->key.p, x->key.len);
	u->key_len = x->key.len;
	u->started = server_now(x->server);
	u->meta = object_new();
	return u;
}

static void upload_discard(struct upload *u)
{
	object_free(u->meta);
	free(u->key);
	free(u);
}

void op_create_upload(struct exchange *x)
{
	struct upload *u;

	if (sw(x, SW_MULTIPART) != YES) {
		op_not_implemented(x);
		return;
	}
	if (!find_bucket(x))
		return;
	u = upload_new(x);
	if (!read_attrs(x, u->meta) || !read_tags_header(x, u->meta) ||
	    !read_acl_header(x, u->meta) || !read_sse_c(x, u->meta) || !read_sum_kind(x, u)) {
		upload_discard(u);
		return;
	}
	bucket_put_upload(x->b, u);
	if (u->sum_kind >= 0) {
		reply_header(&x->r, "x-amz-checksum-algorithm", "%s", sum_names[u->sum_kind]);
		reply_header(&x->r, "x-amz-checksum-type",
			     u->full_object ? "FULL_OBJECT" : "COMPOSITE");
	}
	xml_start(x, "InitiateMultipartUploadResult");
	xml_element(x, "Bucket", bytes_of(x->bucket));
	xml_element(x, "Key", x->key);
	xml_element(x, "UploadId", bytes_of(u->id));
	xml_end(x, "InitiateMultipartUploadResult");
}

static bool read_part_number(struct exchange *x, unsigned *to)
{
	const char *value = request_value(&x->q, "partNumber");
	unsigned long long n = 0;

	if (!value || !number_of(value, (unsigned long long)sw(x, SW_MAX_PARTS), &n) || !n)
		return fail(x, 400, "InvalidArgument",
			    "Part number must be an integer between 1 and 10000, inclusive");
	*to = (unsigned)n;
	return true;
}

static void put_part(struct upload *u, unsigned number, struct part *p)
{
	if (number > u->part_slots) {
		unsigned slots = number < 16 ? 16 : number * 2;

		u->parts = must_grow(u->parts, slots * sizeof(struct part *));
		memset(u->parts + u->part_slots, 0,
		       (slots - u->part_slots) * sizeof(struct part *));
		u->part_slots = slots;
	}
	part_free(u->parts[number - 1]);
	u->parts[number - 1] = p;
}

/* Takes over the reference to data. */
static struct part *part_new(struct exchange *x, const struct upload *u, struct blob *data)
{
	struct part *p = must_zero(sizeof(*p));

	p->data = data;
	p->changed = server_now(x->server);
	if (sw(x, SW_PLAIN_MD5) == YES && !u->meta->sse_c[0])
		etag_md5(data->p, data->len, p->etag);
	else
		etag_random(x, p->etag);
	if (u->sum_kind >= 0)
		sum_make((enum sum_kind)u->sum_kind, data->p, data->len, p->sums[u->sum_kind]);
	return p;
}

void op_upload_part(struct exchange *x)
{
	struct upload *u = find_upload(x);
	const char *value;
	struct part *p;
	unsigned number;
	int kind;

	if (!u || !read_part_number(x, &number) ||
	    !check_sse_c(x, u->meta, "x-amz-server-side-encryption-customer"))
		return;
	if (sw(x, SW_CHECKSUMS) == YES && declared_sum(x, &kind, &value) && u->sum_kind >= 0 &&
	    kind != u->sum_kind) {
		fail(x, 400, "InvalidRequest",
		     "Checksum Type mismatch occurred, expected checksum Type differs from the "
		     "actual one");
		return;
	}
	p = part_new(x, u, blob_ref(x->q.body));
	if (sw(x, SW_CHECKSUMS) == YES && declared_sum(x, &kind, &value) && !p->sums[kind][0])
		snprintf(p->sums[kind], SUM_SIZE, "%s", value);
	reply_header(&x->r, "ETag", "\"%s\"", p->etag);
	for (int i = 0; i < SUM_COUNT; i++) {
		char name[40];

		snprintf(name, sizeof(name), "x-amz-checksum-%s", sum_names[i]);
		if (p->sums[i][0])
			reply_header(&x->r, name, "%s", p->sums[i]);
	}
	put_part(u, number, p);
}

/* "bytes=FROM-TO", both of them, inside the source. */
static bool read_copy_range(struct exchange *x, size_t size, size_t *from, size_t *length)
{
	const char *range = request_header(&x->q, "x-amz-copy-source-range");
	unsigned long long first, last;
	char *end;

	*from = 0;
	*length = size;
	if (!range)
		return true;
	if (strncmp(range, "bytes=", 6) != 0)
		return fail(x, 400, "InvalidArgument",
			    "The x-amz-copy-source-range value must be of the form "
			    "bytes=first-last");
	first = strtoull(range + 6, &end, 10);
	if (*end != '-')
		return fail(x, 400, "InvalidArgument", "The copy range is malformed");
	last = strtoull(end + 1, &end, 10);
	if (*end || last < first)
		return fail(x, 400, "InvalidArgument", "The copy range is malformed");
	if (last >= size)
		return fail(x, 400, "InvalidArgument",
			    "Range specified is not valid for the source object's size");
	*from = (size_t)first;
	*length = (size_t)(last - first + 1);
	return true;
}

void op_copy_part(struct exchange *x)
{
	struct object *o;
	struct upload *u;
	struct part *p;
	struct blob *data;
	size_t from, length;
	unsigned number;

	if (sw(x, SW_PART_COPY) != YES) {
		fail_not_implemented(x, "x-amz-copy-source");
		return;
	}
	u = find_upload(x);
	if (!u || !check_sse_c(x, u->meta, "x-amz-server-side-encryption-customer") ||
	    !read_part_number(x, &number) || !(o = copy_source(x)) ||
	    !read_copy_range(x, o->data->len, &from, &length))
		return;
	if ((long long)length > sw(x, SW_MAX_COPY)) {
		fail(x, 400, "InvalidRequest", "The part is larger than the maximum");
		return;
	}
	data = blob_new(length);
	memcpy(data->p, o->data->p + from, length);
	p = part_new(x, u, data);
	put_part(u, number, p);
	xml_start(x, "CopyPartResult");
	xml_date(x, "LastModified", p->changed);
	text_printf(&x->r.body, "<ETag>&quot;%s&quot;</ETag>", p->etag);
	xml_end(x, "CopyPartResult");
}

void op_abort(struct exchange *x)
{
	struct upload *u = find_upload(x);

	if (!u)
		return;
	bucket_drop_upload(x->b, u);
	x->r.status = 204;
}
