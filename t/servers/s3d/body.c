/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <string.h>

#include <openssl/evp.h>

static bool check_sha256(struct exchange *x)
{
	const struct blob *body = x->q.body;
	struct text made = { NULL, 0, 0 };
	unsigned char hash[32];
	bool good;

	if (strlen(x->signing.payload) != 64)
		return true;
	EVP_Digest(body->p, body->len, hash, NULL, EVP_sha256(), NULL);
	text_hex(&made, hash, 32);
	good = !strcmp(made.p, x->signing.payload);
	text_release(&made);
	return good || fail(x, 400, "XAmzContentSHA256Mismatch",
			    "The provided 'x-amz-content-sha256' header does not match what was "
			    "computed.");
}

static bool check_md5(struct exchange *x)
{
	const char *header = request_header(&x->q, "content-md5");
	const struct blob *body = x->q.body;
	unsigned char said[16], made[16];

	if (!header)
		return true;
	if (base64_decode(header, said, sizeof(said)) != 16)
		return fail(x, 400, "InvalidDigest", "The Content-MD5 you specified was invalid.");
	EVP_Digest(body->p, body->len, made, NULL, EVP_md5(), NULL);
	return !memcmp(said, made, 16) ||
	       fail(x, 400, "BadDigest",
		    "The Content-MD5 you specified did not match what we received.");
}

static bool check_sums(struct exchange *x)
{
	static const size_t sizes[SUM_COUNT] = { 4, 4, 20, 32, 8 };
	const char *value;
	unsigned char raw[32];
	char made[SUM_SIZE];
	int kind;

	if (!declared_sum(x, &kind, &value))
		return true;
	if (sw(x, SW_CHECKSUMS) == REFUSED)
		return fail_not_implemented(x, "x-amz-checksum");
	/* What CompleteMultipartUpload declares is the object's, not the document's. */
	if (sw(x, SW_CHECKSUMS) != YES || x->op->run == op_complete)
		return true;
	if (base64_decode(value, raw, sizeof(raw)) != (int)sizes[kind])
		return fail(x, 400, "InvalidRequest",
			    "Value for the x-amz-checksum header is invalid.");
	sum_make((enum sum_kind)kind, x->q.body->p, x->q.body->len, made);
	return !strcmp(made, value) ||
	       fail(x, 400, "BadDigest",
		    "The checksum you specified did not match the calculated checksum.");
}

bool body_check(struct exchange *x)
{
	if (!strncmp(x->signing.payload, "STREAMING-", 10) && !chunked_decode(x))
		return false;
	if ((long long)x->q.body->len > sw(x, SW_MAX_PUT))
		return fail(x, 400, "EntityTooLarge",
			    "Your proposed upload exceeds the maximum allowed size");
	return check_sha256(x) && check_md5(x) && check_sums(x);
}
