/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

static const struct {
	const char *code;
	enum migrate_status status;
} codes[] = {
	{ "AccessDenied", MIGRATE_DENIED },
	{ "AccountProblem", MIGRATE_DENIED },
	{ "AllAccessDisabled", MIGRATE_DENIED },
	{ "AuthorizationHeaderMalformed", MIGRATE_DENIED },
	{ "BadDigest", MIGRATE_MISMATCH },
	{ "BandwidthLimitExceeded", MIGRATE_THROTTLED },
	{ "ConditionalRequestConflict", MIGRATE_TRANSIENT },
	{ "ConnectionReset", MIGRATE_TRANSIENT },
	{ "EntityTooLarge", MIGRATE_INVALID },
	{ "EntityTooSmall", MIGRATE_INVALID },
	{ "ExpiredToken", MIGRATE_UNAVAILABLE },
	{ "IncompleteBody", MIGRATE_MISMATCH },
	{ "InsufficientCapacity", MIGRATE_NO_SPACE },
	{ "InternalError", MIGRATE_TRANSIENT },
	{ "InvalidAccessKeyId", MIGRATE_DENIED },
	{ "InvalidArgument", MIGRATE_INVALID },
	{ "InvalidBucketName", MIGRATE_INVALID },
	{ "InvalidDigest", MIGRATE_MISMATCH },
	{ "InvalidObjectState", MIGRATE_INVALID },
	{ "InvalidPart", MIGRATE_MISMATCH },
	{ "InvalidPartOrder", MIGRATE_MISMATCH },
	{ "InvalidRange", MIGRATE_INVALID },
	{ "InvalidRequest", MIGRATE_INVALID },
	{ "InvalidStorageClass", MIGRATE_INVALID },
	{ "InvalidToken", MIGRATE_DENIED },
	{ "KeyTooLongError", MIGRATE_INVALID },
	{ "MetadataTooLarge", MIGRATE_INVALID },
	{ "MethodNotAllowed", MIGRATE_UNSUPPORTED },
	{ "MissingContentLength", MIGRATE_INVALID },
	{ "NoSuchBucket", MIGRATE_UNAVAILABLE },
	{ "NoSuchKey", MIGRATE_NOT_FOUND },
	{ "NoSuchUpload", MIGRATE_NOT_FOUND },
	{ "NoSuchVersion", MIGRATE_NOT_FOUND },
	{ "NotImplemented", MIGRATE_UNSUPPORTED },
	{ "NotSignedUp", MIGRATE_DENIED },
	{ "OperationAborted", MIGRATE_TRANSIENT },
	{ "PreconditionFailed", MIGRATE_CHANGED },
	{ "QuotaExceeded", MIGRATE_NO_SPACE },
	{ "ReducedThroughput", MIGRATE_THROTTLED },
	{ "RequestLimitExceeded", MIGRATE_THROTTLED },
	{ "RequestTimeTooSkewed", MIGRATE_DENIED },
	{ "RequestTimeout", MIGRATE_TRANSIENT },
	{ "ServiceUnavailable", MIGRATE_THROTTLED },
	{ "SignatureDoesNotMatch", MIGRATE_DENIED },
	{ "SlowDown", MIGRATE_THROTTLED },
	{ "Throttling", MIGRATE_THROTTLED },
	{ "ThrottlingException", MIGRATE_THROTTLED },
	{ "TokenRefreshRequired", MIGRATE_UNAVAILABLE },
	{ "TooManyRequests", MIGRATE_THROTTLED },
	{ "XAmzContentChecksumMismatch", MIGRATE_MISMATCH },
	{ "XAmzContentSHA256Mismatch", MIGRATE_MISMATCH },
	{ "XMinioStorageFull", MIGRATE_NO_SPACE },
};

static enum migrate_status status_of_http(long http)
{
	switch (http) {
	case 301:
	case 307:
	case 308:
		return MIGRATE_UNAVAILABLE; /* a redirect that we do not follow */
	case 401:
	case 403:
		return MIGRATE_DENIED;
	case 404:
	case 410:
		return MIGRATE_NOT_FOUND;
	case 405:
	case 501:
		return MIGRATE_UNSUPPORTED;
	case 408:
		return MIGRATE_TRANSIENT;
	case 409:
		return MIGRATE_TRANSIENT;
	case 412:
		return MIGRATE_CHANGED;
	case 429:
	case 503:
		return MIGRATE_THROTTLED;
	case 507:
		return MIGRATE_NO_SPACE;
	case 502:
	case 504:
		return MIGRATE_UNAVAILABLE;
	}
	if (http >= 400 && http < 500)
		return MIGRATE_INVALID;
	return MIGRATE_TRANSIENT;
}

enum migrate_status s3_status_of(long http, const char *code)
{
	for (size_t i = 0; code && i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!strcmp(codes[i].code, code))
			return codes[i].status;
	if (code && strstr(code, "Throttl")) /* KMS.ThrottlingException and others */
		return MIGRATE_THROTTLED;
	if (code && !strncmp(code, "KMS.", 4))
		return MIGRATE_DENIED;
	return status_of_http(http);
}

void s3_blank(char *text, const char *secret)
{
	size_t n = strlen(secret);
	char *at;

	for (; n >= 8 && (at = strstr(text, secret)) != NULL; text = at + n)
		memset(at, '*', n);
}

/* There are servers, and proxies before them, that say what was sent to them. */
void s3_blank_ours(const struct s3_session *s, char *text)
{
	s3_blank(text, s->keys.secret);
	s3_blank(text, s->keys.token);
	s3_blank(text, s->s3->sse_c_key);
}

static bool take_error(void *arg, const char *path, char *text, size_t n)
{
	struct s3_session *s = arg;
	struct s3_answer *a = &s->answer;

	(void)n;
	s3_blank_ours(s, text);
	if (!strcmp(path, "Code"))
		text_copy(a->code, sizeof(a->code), text);
	else if (!strcmp(path, "Message"))
		text_copy(a->message, sizeof(a->message), text);
	else if (!strcmp(path, "Region"))
		text_copy(a->region, sizeof(a->region), text);
	return true;
}

bool s3_error_parse(struct s3_session *s)
{
	const char *trouble, *p = text_get(&s->answer.body);
	size_t n = s->answer.body.n;
	char root[64];
	bool ok;

	for (; n && strchr(" \r\n\t", *p); p++)
		n--;
	ok = n && s3_xml_parse(p, n, take_error, s, root, &trouble) && !strcmp(root, "Error");
	if (!ok)
		s->answer.code[0] = s->answer.message[0] = '\0';
	return ok;
}

/* Seconds, or a time by the server's own clock. */
static void heed_retry_after(struct s3_session *s)
{
	const char *text = s3_answer_header(s, "retry-after"), *date = s3_answer_header(s, "date");
	int64_t then, now;
	uint64_t seconds = 0;

	if (!text)
		return;
	if (!text_number(text, &seconds) && date && time_parse(text, &then) &&
	    time_parse(date, &now) && then > now)
		seconds = (uint64_t)((then - now) / 1000000000);
	if (seconds && seconds <= 3600)
		migrate_retry_after(s->ms, (int64_t)seconds * 1000);
}

/* What the operator can do about it. */
static const char *advice(const struct s3_session *s)
{
	const char *code = s->answer.code;

	if (!strcmp(code, "InvalidAccessKeyId") || !strcmp(code, "SignatureDoesNotMatch"))
		return ": look at access_key and secret_key";
	if (!strcmp(code, "NoSuchBucket"))
		return ": there is no such bucket; look at bucket and endpoint";
	if (!strcmp(code, "InvalidObjectState"))
		return ": it is archived and must be restored first";
	if (!strcmp(code, "RequestTimeTooSkewed"))
		return ": the clock of this machine is wrong";
	if (s3_status_of(s->answer.status, code) == MIGRATE_UNAVAILABLE && strstr(code, "Token"))
		return ": renew the credentials";
	if (!code[0] && s->answer.status == 400 && !strcmp(s->method, "HEAD"))
		return ": is it encrypted under a key of its own (sse_c_key)?";
	if (s->answer.status / 100 == 3)
		return ": it redirects to a place that is not followed; look at endpoint and "
		       "region";
	return "";
}

enum migrate_status s3_fail_answer(struct s3_session *s, const char *what)
{
	const struct s3_answer *a = &s->answer;
	enum migrate_status status = s3_status_of(a->status, a->code);

	/* HEAD has no reasons: it may be the object, the credentials or the region; probe() tells */
	if (!a->code[0] && a->status == 400 && !strcmp(s->method, "HEAD"))
		status = MIGRATE_UNAVAILABLE;
	if (status == MIGRATE_THROTTLED || status == MIGRATE_UNAVAILABLE)
		heed_retry_after(s);
	if (a->code[0])
		return migrate_fail(s->ms, status, "%s: %s: %s (%ld)%s", what, a->code, a->message,
				    a->status, advice(s));
	/* those in front of a server speak for themselves when it is away */
	if (a->body.n && a->status >= 400 && a->status < 500 && status != MIGRATE_THROTTLED &&
	    status != MIGRATE_TRANSIENT)
		return migrate_fail(s->ms, status,
				    "%s: the server answered %ld, and not as S3 does: look at "
				    "endpoint",
				    what, a->status);
	return migrate_fail(s->ms, status, "%s: the server answered %ld%s", what, a->status,
			    advice(s));
}

static enum migrate_status status_of_curl(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_OUT_OF_MEMORY:
		return MIGRATE_UNAVAILABLE;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return MIGRATE_INVALID;
	default:
		return MIGRATE_TRANSIENT;
	}
}

/* What the operator can do about a server that cannot be spoken to. */
static const char *advice_for(const struct s3_session *s, CURLcode code, const char *why)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
		if (strstr(why, "self") || strstr(why, "issuer"))
			return ": if it is one of your own, name its authority's certificate in "
			       "ca_file";
		return "";
	case CURLE_SSL_CONNECT_ERROR:
		return ": does it speak TLS there? else the endpoint is http://";
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return s->place.aws ? ": look at region and at the network" : ": look at endpoint";
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, which is not HTTP at all */
		return ": that is no S3; look at endpoint";
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
		if (s->s3->met || s->place.tls)
			return "";
		return ": look at endpoint; if TLS is spoken there it is https://";
	default:
		return "";
	}
}

enum migrate_status s3_fail_curl(struct s3_session *s, CURLcode code, const char *what,
				 bool changes)
{
	const char *why = s->curl_error[0] ? s->curl_error : curl_easy_strerror(code);
	enum migrate_status status = status_of_curl(code);

	if (s->lost_header)
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "%s: too many headers, or one that cannot be said", what);
	/* what a callback of ours said stands: it ended the request before it was whole */
	if (s->stopped == MIGRATE_MISMATCH ||
	    (s->stopped == MIGRATE_CANCELLED && (!changes || !s->answer.sent)))
		return s->stopped;
	if (changes && s->answer.sent && status == MIGRATE_TRANSIENT)
		return migrate_fail(s->ms, MIGRATE_UNKNOWN_OUTCOME, "%s: no answer came: %s", what,
				    why);
	if (s->stopped != MIGRATE_OK)
		return s->stopped;
	return migrate_fail(s->ms, status, "%s: %s%s", what, why, advice_for(s, code, why));
}
