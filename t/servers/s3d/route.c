/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

/* The first that fits is it. */
static const struct operation operations[] = {
	{ "ListBuckets", LEVEL_SERVICE, "GET", NULL, NULL, op_list_buckets },

	{ "HeadBucket", LEVEL_BUCKET, "HEAD", NULL, NULL, op_head_bucket },
	{ "GetBucketLocation", LEVEL_BUCKET, "GET", "location", NULL, op_get_location },
	{ "GetBucketVersioning", LEVEL_BUCKET, "GET", "versioning", NULL, op_get_versioning },
	{ "GetBucketRequestPayment", LEVEL_BUCKET, "GET", "requestPayment", NULL, op_get_payment },
	{ "GetBucketOwnershipControls", LEVEL_BUCKET, "GET", "ownershipControls", NULL,
	  op_get_ownership },
	{ "GetBucketAcl", LEVEL_BUCKET, "GET", "acl", NULL, op_bucket_acl },
	{ "ListMultipartUploads", LEVEL_BUCKET, "GET", "uploads", NULL, op_list_uploads },
	{ "ListObjectsV2", LEVEL_BUCKET, "GET", "list-type", NULL, op_list_v2 },
	{ "ListObjects", LEVEL_BUCKET, "GET", NULL, NULL, op_list_v1 },
	{ "PutBucketRequestPayment", LEVEL_BUCKET, "PUT", "requestPayment", NULL, op_put_payment },
	{ "PutBucketOwnershipControls", LEVEL_BUCKET, "PUT", "ownershipControls", NULL,
	  op_put_ownership },
	{ "PutBucketAcl", LEVEL_BUCKET, "PUT", "acl", NULL, op_put_bucket_acl },
	{ "CreateBucket", LEVEL_BUCKET, "PUT", NULL, NULL, op_create_bucket },
	{ "DeleteBucket", LEVEL_BUCKET, "DELETE", NULL, NULL, op_delete_bucket },
	{ "DeleteObjects", LEVEL_BUCKET, "POST", "delete", NULL, op_delete_many },

	{ "HeadObject", LEVEL_OBJECT, "HEAD", NULL, NULL, op_head },
	{ "ListParts", LEVEL_OBJECT, "GET", "uploadId", NULL, op_list_parts },
	{ "GetObjectAcl", LEVEL_OBJECT, "GET", "acl", NULL, op_get_acl },
	{ "GetObjectTagging", LEVEL_OBJECT, "GET", "tagging", NULL, op_get_tags },
	{ "GetObject", LEVEL_OBJECT, "GET", NULL, NULL, op_get },
	{ "UploadPartCopy", LEVEL_OBJECT, "PUT", "uploadId", "x-amz-copy-source", op_copy_part },
	{ "UploadPart", LEVEL_OBJECT, "PUT", "uploadId", NULL, op_upload_part },
	{ "PutObjectAcl", LEVEL_OBJECT, "PUT", "acl", NULL, op_put_acl },
	{ "PutObjectTagging", LEVEL_OBJECT, "PUT", "tagging", NULL, op_put_tags },
	{ "CopyObject", LEVEL_OBJECT, "PUT", NULL, "x-amz-copy-source", op_copy },
	{ "PutObject", LEVEL_OBJECT, "PUT", NULL, NULL, op_put },
	{ "CreateMultipartUpload", LEVEL_OBJECT, "POST", "uploads", NULL, op_create_upload },
	{ "CompleteMultipartUpload", LEVEL_OBJECT, "POST", "uploadId", NULL, op_complete },
	{ "RestoreObject", LEVEL_OBJECT, "POST", "restore", NULL, op_restore },
	{ "AbortMultipartUpload", LEVEL_OBJECT, "DELETE", "uploadId", NULL, op_abort },
	{ "DeleteObjectTagging", LEVEL_OBJECT, "DELETE", "tagging", NULL, op_delete_tags },
	{ "DeleteObject", LEVEL_OBJECT, "DELETE", NULL, NULL, op_delete },
};

/* Parts of S3 that are not here: never taken for something else. */
static const char *const foreign_params[] = {
	"accelerate",   "analytics",
	"attributes",   "cors",
	"encryption",   "intelligent-tiering",
	"inventory",    "legal-hold",
	"lifecycle",    "logging",
	"metrics",      "notification",
	"object-lock",  "policy",
	"policyStatus", "publicAccessBlock",
	"replication",  "retention",
	"select",       "torrent",
	"versions",     "website",
};

static const struct operation unknown = { "Unknown", LEVEL_SERVICE, "",
					  NULL,      NULL,          op_not_implemented };

static bool fits(const struct operation *o, const struct request *q, enum level level)
{
	return o->level == level && !strcmp(o->method, q->method) &&
	       (!o->selector || request_param(q, o->selector)) &&
	       (!o->header || request_header(q, o->header));
}

static const struct operation *find_operation(const struct request *q, enum level level)
{
	for (size_t i = 0; i < sizeof(foreign_params) / sizeof(foreign_params[0]); i++) {
		if (request_param(q, foreign_params[i]))
			return &unknown;
	}
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (fits(&operations[i], q, level))
			return &operations[i];
	}
	return &unknown;
}

/* The bucket of a virtual host, or NULL. */
static const char *virtual_host(const struct exchange *x, size_t *len)
{
	const struct config *config = &x->server->config;
	const char *host = request_header(&x->q, "host");
	size_t n = host ? strcspn(host, ":") : 0;

	for (unsigned i = 0; i < config->domain_count; i++) {
		const char *domain = config->domains[i];
		size_t d = strlen(domain);

		if (n < d + 2 || strncasecmp(host + n - d, domain, d) != 0 ||
		    host[n - d - 1] != '.')
			continue;
		*len = n - d - 1;
		return host;
	}
	return NULL;
}

bool route(struct exchange *x)
{
	const char *prefix = x->server->config.prefix, *path = x->q.path + 1;
	size_t n, bucket_len, skip = strlen(prefix);
	const char *bucket = virtual_host(x, &bucket_len);
	enum level level;
	char *key;

	if (skip &&
	    (strncmp(x->q.path, prefix, skip) != 0 || (x->q.path[skip] && x->q.path[skip] != '/')))
		return fail(x, 404, "NoSuchKey", "Nothing is served here.");
	if (skip) /* up to the slash behind it, which may be missing */
		path = x->q.path + skip + (x->q.path[skip] == '/');
	n = strlen(path);
	if (!bucket) {
		const char *slash = strchr(path, '/');

		bucket = path;
		bucket_len = slash ? (size_t)(slash - path) : n;
		path += bucket_len + (slash != NULL);
		n = strlen(path);
	}
	key = must_alloc(n + 1);
	text_reset(&x->key_buf);
	text_add(&x->key_buf, key, url_decode(key, path, n, sw(x, SW_PATH_PLUS) == YES));
	free(key);
	x->key = (struct bytes){ x->key_buf.p, x->key_buf.len };
	if (bucket_len >= sizeof(x->bucket))
		bucket_len = sizeof(x->bucket) - 1;
	memcpy(x->bucket, bucket, bucket_len);
	x->bucket[bucket_len] = '\0';
	level = !bucket_len ? LEVEL_SERVICE : x->key.len ? LEVEL_OBJECT : LEVEL_BUCKET;
	x->op = find_operation(&x->q, level);
	return x->key.len <= 1024 || fail(x, 400, "KeyTooLongError", "Your key is too long");
}

static bool wrong_region(struct exchange *x)
{
	const struct config *config = &x->server->config;
	struct text elements = { NULL, 0, 0 };

	text_puts(&elements, "<Endpoint>");
	for (unsigned i = 0; i < config->region_count; i++) {
		if (!strcmp(config->regions[i], x->b->region))
			text_printf(&elements, "127.0.0.1:%u", config->ports[i]);
	}
	text_puts(&elements, "</Endpoint>");
	fail_with(x, 301, "PermanentRedirect",
		  "The bucket you are attempting to access must be addressed using the specified "
		  "endpoint. Please send all future requests to this endpoint.",
		  elements.p);
	text_release(&elements);
	reply_header(&x->r, "x-amz-bucket-region", "%s", x->b->region);
	return false;
}

static bool check_payer(struct exchange *x)
{
	const char *payer = request_header(&x->q, "x-amz-request-payer");

	if (!x->b->requester_pays || x->op->run == op_get_payment || x->op->run == op_put_payment)
		return true;
	if (!payer || strcasecmp(payer, "requester") != 0)
		return fail(x, 403, "AccessDenied", "Access Denied");
	reply_header(&x->r, "x-amz-request-charged", "requester");
	return true;
}

bool check_owner(struct exchange *x, const char *header)
{
	const char *owner = request_header(&x->q, header);

	if (!owner)
		return true;
	if (strlen(owner) != 12 || strspn(owner, "0123456789") != 12)
		return fail(x, 400, "InvalidBucketOwnerAWSAccountID",
			    "The value of the expected bucket owner parameter must be an AWS "
			    "account ID.");
	return !strcmp(owner, x->server->config.owner) ||
	       fail(x, 403, "AccessDenied", "Access Denied");
}

bool find_bucket(struct exchange *x)
{
	x->b = store_bucket(&x->server->store, x->bucket);
	if (!x->b)
		return fail(x, 404, "NoSuchBucket", "The specified bucket does not exist");
	if (sw(x, SW_REGION) == YES && x->op->run != op_get_location &&
	    strcmp(x->b->region, x->server->config.regions[x->region]) != 0)
		return wrong_region(x);
	return check_owner(x, "x-amz-expected-bucket-owner") && check_payer(x);
}

void op_not_implemented(struct exchange *x)
{
	fail(x, 501, "NotImplemented", "This operation is not implemented");
}
