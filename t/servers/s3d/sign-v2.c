/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* The parameters that belong to the resource a signature of version 2 covers, sorted. */
static const char *const signed_params[] = {
	"acl",
	"cors",
	"delete",
	"lifecycle",
	"location",
	"logging",
	"notification",
	"partNumber",
	"policy",
	"requestPayment",
	"response-cache-control",
	"response-content-disposition",
	"response-content-encoding",
	"response-content-language",
	"response-content-type",
	"response-expires",
	"restore",
	"tagging",
	"torrent",
	"uploadId",
	"uploads",
	"versionId",
	"versioning",
	"versions",
	"website",
};

static int compare_headers(const void *a, const void *b)
{
	const struct header *const *p = a, *const *q = b;
	int order = strcmp((*p)->name, (*q)->name);

	/* The same name twice: in the order they were sent. */
	return order ? order : (*p > *q) - (*p < *q);
}

static void canonical_amz_headers(const struct request *q, struct text *to)
{
	const struct header *sorted[MAX_HEADERS];
	size_t n = 0;

	for (size_t i = 0; i < q->header_count; i++) {
		if (!strncmp(q->headers[i].name, "x-amz-", 6))
			sorted[n++] = &q->headers[i];
	}
	qsort(sorted, n, sizeof(sorted[0]), compare_headers);
	for (size_t i = 0; i < n; i++) {
		bool again = i && !strcmp(sorted[i]->name, sorted[i - 1]->name);

		if (again)
			text_printf(to, ",%s", sorted[i]->value);
		else
			text_printf(to, "%s%s:%s", i ? "\n" : "", sorted[i]->name,
				    sorted[i]->value);
	}
	if (n)
		text_puts(to, "\n");
}

static void canonical_resource(struct exchange *x, struct text *to)
{
	const char *host = request_header(&x->q, "host");
	char separator = '?';
	size_t n = strlen(x->bucket);

	if (n && host && !strncmp(host, x->bucket, n) && host[n] == '.')
		text_printf(to, "/%s", x->bucket);
	text_puts(to, x->q.path);
	for (size_t i = 0; i < sizeof(signed_params) / sizeof(signed_params[0]); i++) {
		const struct param *p = request_param(&x->q, signed_params[i]);

		if (!p)
			continue;
		text_printf(to, "%c%s", separator, signed_params[i]);
		/* Measured: radosgw signs "acl=" as "acl". */
		if (p->value.len)
			text_printf(to, "=%s", p->value.p);
		separator = '&';
	}
}

static void string_to_sign(struct exchange *x, const char *date, struct text *to)
{
	const char *md5 = request_header(&x->q, "content-md5");
	const char *type = request_header(&x->q, "content-type");

	text_printf(to, "%s\n%s\n%s\n%s\n", x->q.method, md5 ? md5 : "", type ? type : "", date);
	canonical_amz_headers(&x->q, to);
	canonical_resource(x, to);
}

static bool check_signature(struct exchange *x, const char *key, size_t key_len, const char *date,
			    const char *signature)
{
	const struct config *config = &x->server->config;
	struct text to_sign = { NULL, 0, 0 }, made = { NULL, 0, 0 };
	unsigned char hash[20];
	unsigned len = sizeof(hash);
	bool good;

	if (key_len != strlen(config->access_key) || memcmp(key, config->access_key, key_len) != 0)
		return fail(x, 403, "InvalidAccessKeyId",
			    "The AWS Access Key Id you provided does not exist in our records.");
	string_to_sign(x, date, &to_sign);
	if (!HMAC(EVP_sha1(), config->secret_key, (int)strlen(config->secret_key),
		  (const unsigned char *)to_sign.p, to_sign.len, hash, &len))
		die("cannot compute an HMAC");
	text_base64(&made, hash, len);
	good = !strcmp(made.p, signature);
	if (!good)
		sign_mismatch(x, &to_sign, NULL);
	text_release(&to_sign);
	text_release(&made);
	return good;
}

static bool check_presigned(struct exchange *x)
{
	const char *key = request_value(&x->q, "AWSAccessKeyId");
	const char *signature = request_value(&x->q, "Signature");
	const char *expires = request_value(&x->q, "Expires");
	unsigned long long until;

	if (!key || !signature || !expires || !number_of(expires, 1ULL << 40, &until))
		return fail(x, 403, "AccessDenied",
			    "Query-string authentication requires the Signature, Expires and "
			    "AWSAccessKeyId parameters");
	if ((int64_t)until * 1000 < server_now(x->server))
		return fail(x, 403, "AccessDenied", "Request has expired");
	return check_signature(x, key, strlen(key), expires, signature);
}

bool sign_check_v2(struct exchange *x, bool presigned)
{
	const char *amz_date = request_header(&x->q, "x-amz-date");
	const char *date = request_header(&x->q, "date");
	const char *authorization = request_header(&x->q, "authorization");
	const char *colon;
	int64_t then;

	x->signature = "v2";
	x->signing.payload = "UNSIGNED-PAYLOAD";
	if (sw(x, SW_SIGV2) != YES)
		return fail(x, 400, "InvalidRequest",
			    "The authorization mechanism you have provided is not supported. "
			    "Please use AWS4-HMAC-SHA256.");
	if (presigned)
		return check_presigned(x);
	/* An access key may hold colons: the last one ends it. */
	colon = strrchr(authorization, ':');
	if (!colon)
		return fail(x, 400, "InvalidArgument", "AWS authorization header is invalid.");
	if ((!amz_date || !parse_http_date(amz_date, &then)) &&
	    (!date || !parse_http_date(date, &then)))
		return fail(x, 403, "AccessDenied",
			    "AWS authentication requires a valid Date or x-amz-date header");
	if (!sign_check_time(x, then) ||
	    !sign_check_token(x, request_header(&x->q, "x-amz-security-token")))
		return false;
	return check_signature(x, authorization + 4, (size_t)(colon - authorization - 4),
			       amz_date ? "" : date, colon + 1);
}
