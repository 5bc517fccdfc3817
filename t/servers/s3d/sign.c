/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* What a request says about its own signature of version 4. */
struct claim {
	char *credential; /* KEY/DATE/REGION/SERVICE/aws4_request */
	char *signed_headers;
	char *signature;
	const char *date;
	const char *expires; /* presigned */
	char *parts[5];      /* of the credential */
};

static const char max_skew_code[] = "RequestTimeTooSkewed";

void hmac_sha256(const void *key, size_t n, const struct text *data, unsigned char to[32])
{
	unsigned len = 32;

	if (!HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text_get(data), data->len, to,
		  &len))
		die("cannot compute an HMAC");
}

static void hmac_step(unsigned char key[32], const char *data)
{
	struct text t = { (char *)data, strlen(data), 0 };
	unsigned char to[32];

	hmac_sha256(key, 32, &t, to);
	memcpy(key, to, 32);
}

static void signing_key(struct exchange *x, const struct claim *claim)
{
	struct text secret = { NULL, 0, 0 };
	struct text date = { claim->parts[1], strlen(claim->parts[1]), 0 };

	text_printf(&secret, "AWS4%s", x->server->config.secret_key);
	hmac_sha256(secret.p, secret.len, &date, x->signing.key);
	text_release(&secret);
	hmac_step(x->signing.key, claim->parts[2]);
	hmac_step(x->signing.key, "s3");
	hmac_step(x->signing.key, "aws4_request");
}

bool sign_check_time(struct exchange *x, int64_t then)
{
	int64_t now = server_now(x->server), apart = now > then ? now - then : then - now;
	struct text elements = { NULL, 0, 0 };
	char date[40];

	if (apart <= 15 * 60 * 1000)
		return true;
	http_date(date, now);
	text_printf(&elements,
		    "<ServerTime>%s</ServerTime>"
		    "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>",
		    date);
	fail_with(x, 403, max_skew_code,
		  "The difference between the request time and the server's time is too large.",
		  elements.p);
	text_release(&elements);
	return false;
}

bool sign_check_token(struct exchange *x, const char *token)
{
	const char *p = x->server->config.tokens;
	const struct fault *expired = fault_get(&x->faults, ACT_EXPIRED);

	if (expired && (!expired->args[0][0] || (token && !strcmp(token, expired->args[0]))))
		return fail(x, 400, "ExpiredToken", "The provided token has expired.");
	if (!p && !token)
		return true;
	while (p && token && *p) {
		size_t n = strcspn(p, ",");

		if (strlen(token) == n && !memcmp(p, token, n))
			return true;
		p += n + (p[n] == ',');
	}
	return fail(x, token ? 400 : 403, token ? "InvalidToken" : "InvalidAccessKeyId",
		    token ? "The provided token is malformed or otherwise invalid."
			  : "The AWS Access Key Id needs a session token.");
}

bool sign_mismatch(struct exchange *x, const struct text *to_sign, const struct text *canonical)
{
	struct text elements = { NULL, 0, 0 };

	text_puts(&elements, "<StringToSign>");
	text_xml(&elements, (struct bytes){ to_sign->p, to_sign->len });
	text_puts(&elements, "</StringToSign>");
	if (canonical) {
		text_puts(&elements, "<CanonicalRequest>");
		text_xml(&elements, (struct bytes){ canonical->p, canonical->len });
		text_puts(&elements, "</CanonicalRequest>");
	}
	fail_with(x, 403, "SignatureDoesNotMatch",
		  "The request signature we calculated does not match the signature you provided. "
		  "Check your key and signing method.",
		  elements.p);
	text_release(&elements);
	return false;
}

static bool is_signed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; *p; p += strcspn(p, ";"), p += *p == ';') {
		if (!strncmp(p, name, n) && (p[n] == ';' || !p[n]))
			return true;
	}
	return false;
}

static bool check_signed_headers(struct exchange *x, const struct claim *claim)
{
	if (!is_signed(claim->signed_headers, "host"))
		return fail(x, 403, "SignatureDoesNotMatch", "The header host is not signed.");
	if (sw(x, SW_SIGNED_AMZ) != YES)
		return true;
	for (size_t i = 0; i < x->q.header_count; i++) {
		const char *name = x->q.headers[i].name;

		if (!strncmp(name, "x-amz-", 6) && !is_signed(claim->signed_headers, name))
			return fail(x, 403, "AccessDenied",
				    "There were headers present in the request which were "
				    "not signed");
	}
	return true;
}

static bool malformed(struct exchange *x, const char *why)
{
	return fail(x, 400, "AuthorizationHeaderMalformed", why);
}

/* "name=value" out of the comma-separated list, cut off in place. */
static char *take_field(char *list, const char *name)
{
	char *p = strstr(list, name);

	if (!p || (p != list && p[-1] != ' ' && p[-1] != ',' && p[-1] != '\0'))
		return NULL;
	p += strlen(name);
	p[strcspn(p, ",")] = '\0';
	return p;
}

static bool read_header_claim(struct exchange *x, char *copy, struct claim *claim)
{
	/* From the last to the first, for each is cut off at its comma. */
	claim->signature = take_field(copy, "Signature=");
	claim->signed_headers = take_field(copy, "SignedHeaders=");
	claim->credential = take_field(copy, "Credential=");
	claim->date = request_header(&x->q, "x-amz-date");
	x->signing.payload = request_header(&x->q, "x-amz-content-sha256");
	if (!claim->credential || !claim->signed_headers || !claim->signature)
		return malformed(x, "The authorization header is malformed; it needs Credential, "
				    "SignedHeaders and Signature.");
	if (!claim->date)
		return fail(x, 403, "AccessDenied",
			    "AWS authentication requires a valid Date or x-amz-date header");
	if (!x->signing.payload && sw(x, SW_SHA256_HEADER) == YES)
		return fail(x, 400, "InvalidRequest",
			    "Missing required header for this request: x-amz-content-sha256");
	if (!x->signing.payload)
		x->signing.payload = "UNSIGNED-PAYLOAD";
	return true;
}

static bool read_query_claim(struct exchange *x, char **copy, struct claim *claim)
{
	const char *algorithm = request_value(&x->q, "X-Amz-Algorithm");
	const char *credential = request_value(&x->q, "X-Amz-Credential");

	/* A copy, for it is cut into pieces and signed as it was sent. */
	*copy = credential ? must_text(credential) : NULL;
	claim->credential = *copy;
	claim->signed_headers = (char *)request_value(&x->q, "X-Amz-SignedHeaders");
	claim->signature = (char *)request_value(&x->q, "X-Amz-Signature");
	claim->date = request_value(&x->q, "X-Amz-Date");
	claim->expires = request_value(&x->q, "X-Amz-Expires");
	x->signing.payload = "UNSIGNED-PAYLOAD";
	if (!algorithm || strcmp(algorithm, "AWS4-HMAC-SHA256") != 0 || !claim->credential ||
	    !claim->signed_headers || !claim->signature || !claim->date || !claim->expires)
		return fail(x, 400, "AuthorizationQueryParametersError",
			    "Query-string authentication version 4 requires X-Amz-Algorithm, "
			    "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, "
			    "and X-Amz-Expires.");
	return true;
}

/* The credential is cut at its last four slashes, for the key may hold some. */
static bool split_credential(struct claim *claim)
{
	for (int i = 4; i > 0; i--) {
		char *slash = strrchr(claim->credential, '/');

		if (!slash)
			return false;
		*slash = '\0';
		claim->parts[i] = slash + 1;
	}
	claim->parts[0] = claim->credential;
	return strlen(claim->parts[2]) < 64 && strlen(claim->parts[1]) == 8;
}

static bool check_scope(struct exchange *x, const struct claim *claim)
{
	const struct config *config = &x->server->config;
	const char *region = config->regions[x->region];
	struct text t = { NULL, 0, 0 }, message = { NULL, 0, 0 };

	if (strcmp(claim->parts[0], config->access_key) != 0)
		return fail(x, 403, "InvalidAccessKeyId",
			    "The AWS Access Key Id you provided does not exist in our records.");
	if (strcmp(claim->parts[3], "s3") != 0 || strcmp(claim->parts[4], "aws4_request") != 0)
		return malformed(x, "The authorization header is malformed; the scope must end "
				    "in \"/s3/aws4_request\".");
	if (strncmp(claim->parts[1], claim->date, 8) != 0)
		return malformed(x, "The authorization header is malformed; the date of the scope "
				    "is not that of the request.");
	if (sw(x, SW_REGION) != YES || !strcmp(claim->parts[2], region))
		return true;
	text_printf(&t, "<Region>%s</Region>", region);
	text_printf(&message,
		    "The authorization header is malformed; the region '%s' is wrong; expecting "
		    "'%s'",
		    claim->parts[2], region);
	fail_with(x, 400, "AuthorizationHeaderMalformed", message.p, t.p);
	text_release(&t);
	text_release(&message);
	return false;
}

static bool check_date(struct exchange *x, const struct claim *claim)
{
	unsigned long long seconds;
	struct tm tm = { 0 };
	char *end = strptime(claim->date, "%Y%m%dT%H%M%SZ", &tm);
	int64_t then;

	if (!end || *end || strlen(claim->date) != 16)
		return fail(x, 403, "AccessDenied", "The date of the signature is malformed.");
	then = (int64_t)timegm(&tm) * 1000;
	if (!claim->expires)
		return sign_check_time(x, then);
	if (!number_of(claim->expires, 604800, &seconds))
		return fail(x, 400, "AuthorizationQueryParametersError",
			    "X-Amz-Expires must be a number of at most 604800");
	if (then > server_now(x->server) + 15 * 60 * 1000 ||
	    server_now(x->server) > then + (int64_t)seconds * 1000)
		return fail(x, 403, "AccessDenied", "Request has expired");
	return true;
}

static bool check_payload_kind(struct exchange *x)
{
	static const char *const streaming[] = { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
						 "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
						 "STREAMING-UNSIGNED-PAYLOAD-TRAILER" };
	const char *payload = x->signing.payload;

	if (!strcmp(payload, "UNSIGNED-PAYLOAD"))
		return true;
	for (size_t i = 0; i < sizeof(streaming) / sizeof(streaming[0]); i++) {
		if (!strcmp(payload, streaming[i]))
			return sw(x, SW_CHUNKED) == YES ||
			       fail_not_implemented(x, "x-amz-content-sha256");
	}
	if (strlen(payload) == 64 && strspn(payload, "0123456789abcdef") == 64)
		return true;
	return fail(x, 400, "InvalidArgument",
		    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-"
		    "PAYLOAD, or a valid sha256 value.");
}

static bool check_v4(struct exchange *x, const struct claim *claim)
{
	struct text canonical = { NULL, 0, 0 }, to_sign = { NULL, 0, 0 }, made = { NULL, 0, 0 };
	struct signing *signing = &x->signing;
	unsigned char hash[32];
	bool good;

	canonical_request(x, claim->signed_headers, &canonical);
	EVP_Digest(canonical.p, canonical.len, hash, NULL, EVP_sha256(), NULL);
	snprintf(signing->scope, sizeof(signing->scope), "%s/%s/s3/aws4_request", claim->parts[1],
		 claim->parts[2]);
	snprintf(signing->date, sizeof(signing->date), "%s", claim->date);
	text_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s\n", claim->date, signing->scope);
	text_hex(&to_sign, hash, 32);
	signing_key(x, claim);
	hmac_sha256(signing->key, 32, &to_sign, hash);
	text_hex(&made, hash, 32);
	snprintf(signing->signature, sizeof(signing->signature), "%s", made.p);
	good = !strcmp(made.p, claim->signature);
	if (!good)
		sign_mismatch(x, &to_sign, &canonical);
	text_release(&canonical);
	text_release(&to_sign);
	text_release(&made);
	return good;
}

static bool check_claim(struct exchange *x, struct claim *claim, const char *token)
{
	if (sw(x, SW_SIGV4) != YES)
		return fail(x, 400, "InvalidRequest",
			    "The authorization mechanism you have provided is not supported.");
	if (!split_credential(claim))
		return malformed(x, "The authorization header is malformed; the Credential is "
				    "mal-formed; expecting \"KEY/YYYYMMDD/REGION/SERVICE/"
				    "aws4_request\".");
	return check_scope(x, claim) && check_date(x, claim) && sign_check_token(x, token) &&
	       check_payload_kind(x) && check_signed_headers(x, claim) && check_v4(x, claim);
}

bool sign_check(struct exchange *x)
{
	const char *authorization = request_header(&x->q, "authorization");
	const char *open = x->server->config.open;
	struct claim claim = { 0 };
	char *copy;
	bool good;

	if (!authorization && request_param(&x->q, "X-Amz-Signature")) {
		x->signature = "presigned";
		good = read_query_claim(x, &copy, &claim) &&
		       check_claim(x, &claim, request_value(&x->q, "X-Amz-Security-Token"));
		free(copy);
		return good;
	}
	if (authorization && !strncmp(authorization, "AWS ", 4))
		return sign_check_v2(x, false);
	if (!authorization && request_param(&x->q, "Signature"))
		return sign_check_v2(x, true);
	if (!authorization && open && !strcmp(x->bucket, open) &&
	    (!strcmp(x->q.method, "GET") || !strcmp(x->q.method, "HEAD")))
		return true;
	if (!authorization)
		return fail(x, 403, "AccessDenied", "Access Denied");
	if (strncmp(authorization, "AWS4-HMAC-SHA256 ", 17) != 0)
		return fail(x, 400, "InvalidArgument", "Unsupported Authorization Type");
	x->signature = "v4";
	copy = must_text(authorization + 16);
	good = read_header_claim(x, copy, &claim) &&
	       check_claim(x, &claim, request_header(&x->q, "x-amz-security-token"));
	free(copy);
	return good;
}
