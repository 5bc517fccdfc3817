/* SPDX-License-Identifier: MIT */
#include "s3d.h"
#include "xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A store that costs nothing, for measuring clients: the bucket
 * src-COUNT-SIZE holds COUNT objects o0000000000, o0000000001, ... of SIZE
 * bytes; whatever is written anywhere is swallowed. Signatures are verified,
 * bodies are not, beyond the MD5 that is their ETag.
 */
enum { NULL_SIZES = 16 };

static const char changed[] = "2026-01-02T03:04:05.000Z";

struct source {
	unsigned long long count;
	unsigned long long size;
};

static bool parse_bucket(const char *s, size_t n, struct source *to)
{
	char name[64], *dash;

	if (n >= sizeof(name) || strncmp(s, "src-", 4) != 0)
		return false;
	memcpy(name, s, n);
	name[n] = '\0';
	dash = strchr(name + 4, '-');
	if (!dash)
		return false;
	*dash = '\0';
	return number_of(name + 4, 9999999999ULL, &to->count) &&
	       number_of(dash + 1, 1ULL << 30, &to->size);
}

/* Under the lock: made once for each size. */
static struct blob *blob_of(size_t size, const char **etag)
{
	static struct blob *blobs[NULL_SIZES];
	static char etags[NULL_SIZES][ETAG_SIZE];
	int i = 0;

	while (i < NULL_SIZES - 1 && blobs[i] && blobs[i]->len != size)
		i++;
	if (!blobs[i] || blobs[i]->len != size) {
		blob_unref(blobs[i]);
		blobs[i] = blob_new(size);
		memset(blobs[i]->p, 'x', size);
		etag_md5(blobs[i]->p, size, etags[i]);
	}
	*etag = etags[i];
	return blobs[i];
}

static void null_list(struct exchange *x, const struct source *s)
{
	const char *token = request_value(&x->q, "continuation-token");
	unsigned long long from = 0, to;
	struct text *body = &x->r.body;
	const char *etag;

	if (!token)
		token = request_value(&x->q, "start-after");
	if (!token)
		token = request_value(&x->q, "marker");
	if (token && *token && number_of(token + 1, s->count, &from))
		from++;
	to = from + 1000 < s->count ? from + 1000 : s->count;
	blob_of(s->size, &etag);
	xml_start(x, "ListBucketResult");
	text_printf(body, "<Name>%s</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys>", x->bucket);
	text_printf(body, "<KeyCount>%llu</KeyCount><IsTruncated>%s</IsTruncated>", to - from,
		    to < s->count ? "true" : "false");
	if (to < s->count)
		text_printf(body, "<NextContinuationToken>o%010llu</NextContinuationToken>",
			    to - 1);
	for (; from < to; from++)
		text_printf(body,
			    "<Contents><Key>o%010llu</Key><LastModified>%s</LastModified>"
			    "<ETag>&quot;%s&quot;</ETag><Size>%llu</Size>"
			    "<StorageClass>STANDARD</StorageClass></Contents>",
			    from, changed, etag, s->size);
	xml_end(x, "ListBucketResult");
}

static void null_get(struct exchange *x, const struct source *s, bool known)
{
	const char *range = request_header(&x->q, "range"), *etag;
	unsigned long long n, from, to;
	struct blob *b;
	char *end;

	if (!known || x->key.p[0] != 'o' || !number_of(x->key.p + 1, s->count - 1, &n) ||
	    n >= s->count) {
		fail_no_key(x);
		return;
	}
	b = blob_of(s->size, &etag);
	x->r.blob = blob_ref(b);
	x->r.length = b->len;
	x->r.no_body = x->op->run == op_head;
	reply_header(&x->r, "ETag", "\"%s\"", etag);
	reply_header(&x->r, "Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT");
	reply_header(&x->r, "Content-Type", "binary/octet-stream");
	reply_header(&x->r, "Accept-Ranges", "bytes");
	if (!range || strncmp(range, "bytes=", 6) != 0)
		return;
	from = strtoull(range + 6, &end, 10);
	to = *end == '-' && end[1] ? strtoull(end + 1, NULL, 10) : b->len - 1;
	if (from >= b->len || to < from) {
		fail(x, 416, "InvalidRange", "The requested range is not satisfiable");
		return;
	}
	to = to < b->len ? to : b->len - 1;
	x->r.status = 206;
	x->r.from = (size_t)from;
	x->r.length = (size_t)(to - from + 1);
	reply_header(&x->r, "Content-Range", "bytes %llu-%llu/%zu", from, to, b->len);
}

static void null_copy(struct exchange *x, const char *root)
{
	const char *source = request_header(&x->q, "x-amz-copy-source");
	struct source s = { 0, 0 };
	const char *etag;

	source += *source == '/';
	parse_bucket(source, strcspn(source, "/%"), &s);
	blob_of(s.size, &etag);
	xml_start(x, root);
	text_printf(&x->r.body, "<LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag>",
		    changed, etag);
	xml_end(x, root);
}

static void null_put(struct exchange *x)
{
	char etag[ETAG_SIZE];

	etag_md5(x->q.body->p, x->q.body->len, etag);
	reply_header(&x->r, "ETag", "\"%s\"", etag);
}

static void null_document(struct exchange *x, const char *root, const char *inside)
{
	xml_start(x, root);
	text_puts(&x->r.body, inside);
	xml_end(x, root);
}

/* No part was kept, but the request names the MD5 of each. */
static void null_complete(struct exchange *x)
{
	struct xml *doc = xml_parse(x->q.body->p, x->q.body->len);
	struct text all = { NULL, 0, 0 };
	char md5[ETAG_SIZE];

	for (size_t i = 0; doc && i < doc->count; i++) {
		const char *p = xml_value(doc->children[i], "ETag");

		for (p = p && *p == '"' ? p + 1 : p; p && p[0] && p[1]; p += 2) {
			char byte = (char)(hex_value(p[0]) << 4 | hex_value(p[1]));

			text_add(&all, &byte, 1);
		}
	}
	etag_md5(all.p, all.len, md5);
	xml_start(x, "CompleteMultipartUploadResult");
	text_printf(&x->r.body, "<ETag>&quot;%s-%zu&quot;</ETag>", md5, doc ? doc->count : 0);
	xml_end(x, "CompleteMultipartUploadResult");
	text_release(&all);
	xml_free(doc);
}

void null_operation(struct exchange *x)
{
	operation_fn *op = x->op->run;
	struct source s = { 0, 0 };
	bool known = parse_bucket(x->bucket, strlen(x->bucket), &s);

	if (op == op_list_v1 || op == op_list_v2)
		null_list(x, &s);
	else if (op == op_get || op == op_head)
		null_get(x, &s, known && s.count);
	else if (op == op_copy)
		null_copy(x, "CopyObjectResult");
	else if (op == op_copy_part)
		null_copy(x, "CopyPartResult");
	else if (op == op_put || op == op_upload_part)
		null_put(x);
	else if (op == op_create_upload)
		null_document(x, "InitiateMultipartUploadResult", "<UploadId>u1</UploadId>");
	else if (op == op_complete)
		null_complete(x);
	else if (op == op_delete_many)
		null_document(x, "DeleteResult", "");
	else if (op == op_delete || op == op_abort)
		x->r.status = 204;
	else if (op == op_get_location)
		null_document(x, "LocationConstraint", "");
	else if (op == op_head_bucket)
		reply_header(&x->r, "x-amz-bucket-region", "%s",
			     x->server->config.regions[x->region]);
	else if (op != op_create_bucket)
		op_not_implemented(x);
}
