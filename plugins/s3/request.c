/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>
#include <time.h>

/* A request is built in the session, signed, sent, and repeated where that can do no harm. */

#define ROOM_FOR_OURS 8 /* headers that signing adds */

int64_t s3_monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void s3_begin(struct s3_session *s, const char *method, struct migrate_bytes key)
{
	s->method = method;
	text_reset(&s->path);
	text_reset(&s->query);
	text_reset(&s->headers);
	text_reset(&s->body);
	if (key.n) {
		text_char(&s->path, '/');
		s3_encode(&s->path, key.p, key.n, true);
	}
	s->header_count = 0;
	s->lost_header = false;
	s->once = s->has_body = s->payload_signed = false;
	s->stream = NULL;
	s->stream_size = 0;
	s->sink = NULL;
	s->on_head = NULL;
	s->expected = UINT64_MAX;
	s->answer_max = S3_ANSWER_MAX;
	if (s->s3->config.requester_pays)
		s3_header_text(s, "x-amz-request-payer", "requester");
	if (s->s3->config.expected_owner)
		s3_header_text(s, "x-amz-expected-bucket-owner", s->s3->config.expected_owner);
}

void s3_query(struct s3_session *s, const char *name, const void *value, size_t n)
{
	if (s->query.n)
		text_char(&s->query, '&');
	text_str(&s->query, name);
	text_char(&s->query, '=');
	s3_encode(&s->query, value, n, false);
}

void s3_query_text(struct s3_session *s, const char *name, const char *value)
{
	s3_query(s, name, value, strlen(value));
}

void s3_query_number(struct s3_session *s, const char *name, uint64_t value)
{
	if (s->query.n)
		text_char(&s->query, '&');
	text_printf(&s->query, "%s=%llu", name, (unsigned long long)value);
}

/* No byte that ends a line may come in: whoever gives a value looks at that before. */
void s3_header(struct s3_session *s, const char *name, const void *value, size_t n)
{
	struct s3_header *h = &s->header[s->header_count];

	if (s->header_count + ROOM_FOR_OURS >= S3_HEADERS_MAX ||
	    (n && (memchr(value, '\r', n) || memchr(value, '\n', n) || memchr(value, '\0', n)))) {
		s->lost_header = true;
		return;
	}
	*h = (struct s3_header){ .name = s->headers.n, .nname = strlen(name), .nvalue = n };
	text_add(&s->headers, name, h->nname);
	h->value = s->headers.n;
	text_add(&s->headers, value, n);
	s->header_count++;
}

void s3_header_text(struct s3_session *s, const char *name, const char *value)
{
	s3_header(s, name, value, strlen(value));
}

void s3_with_body(struct s3_session *s)
{
	s->has_body = s->payload_signed = true;
}

void s3_with_stream(struct s3_session *s, struct migrate_body *body, uint64_t size)
{
	s->has_body = true;
	s->stream = body;
	s->stream_size = size;
}

void s3_with_listing(struct s3_session *s)
{
	s->answer_max = S3_DOCUMENT_MAX;
}

bool s3_with_md5(struct s3_session *s)
{
	struct text value = { .p = NULL };
	unsigned char digest[16];
	bool ok = s3_md5(s, text_get(&s->body), s->body.n, digest) &&
		  text_base64(&value, digest, sizeof(digest));

	if (ok)
		s3_header(s, "content-md5", value.p, value.n);
	text_release(&value);
	return ok;
}

/* ---- Signing ---- */

static bool has_header(const struct s3_session *s, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < s->header_count; i++)
		if (s->header[i].nname == n &&
		    !memcmp(text_get(&s->headers) + s->header[i].name, name, n))
			return true;
	return false;
}

static int compare_names(const struct s3_session *s, const struct s3_header *a,
			 const struct s3_header *b)
{
	const char *bytes = text_get(&s->headers);
	size_t n = a->nname < b->nname ? a->nname : b->nname;
	int c = memcmp(bytes + a->name, bytes + b->name, n);

	return c ? c : a->nname < b->nname ? -1 : a->nname > b->nname;
}

/* They are few, and nearly in order. */
static void sort_headers(struct s3_session *s)
{
	for (size_t i = 0; i < s->header_count; i++) {
		struct s3_header h = s->header[i];
		size_t at = i;

		for (; at && compare_names(s, &s->sorted[at - 1], &h) > 0; at--)
			s->sorted[at] = s->sorted[at - 1];
		s->sorted[at] = h;
	}
}

static bool hash_payload(struct s3_session *s, char hex[65])
{
	unsigned char digest[32];
	struct text t = { .p = NULL };

	if (!s->has_body || (!s->stream && !s->body.n)) {
		text_copy(hex, 65, S3_EMPTY_SHA256);
		return true;
	}
	if (s->stream || (!s->payload_signed && (s->place.tls || has_header(s, "content-md5")))) {
		text_copy(hex, 65, "UNSIGNED-PAYLOAD");
		return true;
	}
	if (!s3_sha256(&s->signer, s->body.p, s->body.n, digest))
		return false;
	text_hex(&t, digest, sizeof(digest));
	text_copy(hex, 65, text_get(&t));
	text_release(&t);
	return hex[0] != '\0';
}

static void compose_url(struct s3_session *s, const char *host, size_t *path)
{
	text_reset(&s->url);
	text_str(&s->url, s->place.tls ? "https://" : "http://");
	text_str(&s->url, host);
	*path = s->url.n;
	text_str(&s->url, s->place.path);
	if (!s->place.host_style) {
		text_char(&s->url, '/');
		text_str(&s->url, s->s3->config.bucket);
	}
	text_add(&s->url, text_get(&s->path), s->path.n);
	if (s->url.n == *path)
		text_char(&s->url, '/');
}

/* Host, date, payload and token, then the signature over all headers. */
static bool sign(struct s3_session *s, size_t path, const char *host)
{
	char time_text[17], payload[65];
	struct s3_signing in = { .method = s->method,
				 .query = text_get(&s->query),
				 .region = s->region,
				 .service = "s3",
				 .payload = payload,
				 .time = time_text,
				 .access = s->keys.access,
				 .secret = s->keys.secret,
				 .generation = s->keys.generation };

	pthread_mutex_lock(&s->s3->lock);
	time_compact((int64_t)time(NULL) + s->s3->clock_offset, time_text);
	pthread_mutex_unlock(&s->s3->lock);
	if (!hash_payload(s, payload))
		return false;
	s3_header_text(s, "host", host);
	s3_header_text(s, "x-amz-content-sha256", payload);
	s3_header_text(s, "x-amz-date", time_text);
	if (s->keys.token[0])
		s3_header_text(s, "x-amz-security-token", s->keys.token);
	sort_headers(s);
	in.path = s->url.p + path;
	in.headers = s->sorted;
	in.header_count = s->header_count;
	in.header_bytes = text_get(&s->headers);
	text_str(&s->lines, "authorization: ");
	return s3_sign(&s->signer, &in, &s->lines) && text_char(&s->lines, '\0');
}

static void add_line(struct s3_session *s, const struct s3_header *h)
{
	const char *bytes = text_get(&s->headers);

	text_add(&s->lines, bytes + h->name, h->nname);
	if (h->nvalue) {
		text_str(&s->lines, ": ");
		text_add(&s->lines, bytes + h->value, h->nvalue);
	} else {
		text_char(&s->lines, ';'); /* libcurl's way to say: no value */
	}
	text_char(&s->lines, '\0');
}

/* The list points into s->lines, one NUL-terminated line after the other. */
static struct curl_slist *link_lines(struct s3_session *s)
{
	char *p = s->lines.p, *end = p + s->lines.n;
	size_t n = 0;

	while (p < end && n < sizeof(s->nodes) / sizeof(s->nodes[0])) {
		s->nodes[n] = (struct curl_slist){ .data = p, .next = &s->nodes[n + 1] };
		p += strlen(p) + 1;
		n++;
	}
	s->nodes[n - 1].next = NULL;
	return s->nodes;
}

static struct curl_slist *compose(struct s3_session *s)
{
	char host[320];
	size_t path;

	s3_place_host(&s->place, s->s3->config.bucket, host, sizeof(host));
	compose_url(s, host, &path);
	text_reset(&s->lines);
	if (s->url.bad)
		return NULL;
	if (!s->s3->config.anonymous && !sign(s, path, host))
		return NULL;
	for (size_t i = 0; i < s->header_count; i++)
		if (s->header[i].nname != 4 ||
		    memcmp(text_get(&s->headers) + s->header[i].name, "host", 4) != 0)
			add_line(s, &s->header[i]);
	text_add(&s->lines, "accept:\0expect:", sizeof("accept:\0expect:"));
	if (s->has_body && !has_header(s, "content-type"))
		text_add(&s->lines, "content-type:", sizeof("content-type:"));
	if (s->query.n) {
		text_char(&s->url, '?');
		text_add(&s->url, s->query.p, s->query.n);
	}
	if (s->lines.bad || s->url.bad || s->headers.bad || s->query.bad || s->path.bad ||
	    s->lost_header)
		return NULL;
	return link_lines(s);
}

/* ---- Sending ---- */

/* A small body is read before anything is sent: then it is one packet, and can be repeated. */
static enum migrate_status read_small(struct s3_session *s)
{
	char buffer[4096];
	ptrdiff_t got;

	text_reset(&s->body);
	while ((got = migrate_body_read(s->stream, buffer, sizeof(buffer))) > 0) {
		if ((uint64_t)got > s->stream_size - s->body.n)
			return migrate_fail(s->ms, MIGRATE_MISMATCH,
					    "the body holds more than %llu bytes",
					    (unsigned long long)s->stream_size);
		if (!text_add(&s->body, buffer, (size_t)got))
			return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	}
	if (got < 0)
		return MIGRATE_CANCELLED;
	if (s->body.n != s->stream_size)
		return migrate_fail(s->ms, MIGRATE_MISMATCH,
				    "the body ended after %zu of %llu bytes", s->body.n,
				    (unsigned long long)s->stream_size);
	s->stream = NULL;
	return MIGRATE_OK;
}

static bool rewind_streams(struct s3_session *s)
{
	return (!s->stream || !s->stream_at || migrate_body_restart(s->stream)) &&
	       (!s->sink || !s->received || migrate_sink_restart(s->sink));
}

static void forget_ours(struct s3_session *s, size_t headers, size_t bytes)
{
	s->header_count = headers;
	s->headers.n = bytes;
}

/* The server's clock, when it and ours are more than five minutes apart. */
static bool correct_clock(struct s3_session *s)
{
	const char *date = s3_answer_header(s, "date");
	int64_t ns, offset;

	if (!date || !time_parse(date, &ns))
		return false;
	offset = ns / 1000000000 - (int64_t)time(NULL);
	pthread_mutex_lock(&s->s3->lock);
	if (offset - s->s3->clock_offset < 300 && s->s3->clock_offset - offset < 300)
		offset = INT64_MIN;
	else
		s->s3->clock_offset = offset;
	pthread_mutex_unlock(&s->s3->lock);
	if (offset == INT64_MIN)
		return false;
	migrate_note(s->ms,
		     "this machine's clock differs from the server's by %lld s: set it right",
		     (long long)offset);
	return true;
}

/* An answer to HEAD names no reason: it may be this one. */
static enum s3_keys_doubt doubt_of(const struct s3_session *s)
{
	static const char *const codes[] = { "ExpiredToken", "TokenRefreshRequired", "InvalidToken",
					     "InvalidAccessKeyId" };

	if (!s->answer.code[0])
		return s->keys.token[0] ? S3_KEYS_DOUBTED : S3_KEYS_TRUSTED;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!strcmp(s->answer.code, codes[i]))
			return S3_KEYS_REFUSED;
	return S3_KEYS_TRUSTED;
}

/*
 * May this answer be another one if we ask again at once? Each reason counts once. renewed: why
 * there are no newer keys, if that is the reason.
 */
static bool try_again(struct s3_session *s, unsigned int *tried, enum migrate_status *renewed)
{
	enum { CLOCK = 1, KEYS = 2, PLACE = 4, PLACE_AGAIN = 8 };
	long status = s->answer.status;
	unsigned int old = s->keys.generation;

	if (status != 400 && status != 403 && status != 401 && status / 100 != 3)
		return false;
	if (!(*tried & PLACE_AGAIN) && s3_follow(s)) {
		*tried |= *tried & PLACE ? PLACE_AGAIN : PLACE;
		return true;
	}
	if (status / 100 == 3)
		return false;
	if (!(*tried & CLOCK) &&
	    (!s->answer.code[0] || !strcmp(s->answer.code, "RequestTimeTooSkewed"))) {
		*tried |= CLOCK;
		if (correct_clock(s))
			return true;
	}
	if (*tried & KEYS || doubt_of(s) == S3_KEYS_TRUSTED)
		return false;
	*tried |= KEYS;
	*renewed = s3_refresh_keys(s, doubt_of(s));
	return *renewed == MIGRATE_OK && s->keys.generation != old;
}

/* A connection that the server had closed, or something that may be done twice. */
static bool may_repeat(const struct s3_session *s, CURLcode code, bool changes)
{
	bool ours = code == CURLE_ABORTED_BY_CALLBACK && s->attempts > 1;

	if (s->stopped != MIGRATE_OK || migrate_cancelled(s->ms))
		return false;
	if (!ours && code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR &&
	    code != CURLE_GOT_NOTHING && code != CURLE_PARTIAL_FILE)
		return false;
	return !changes || (!s->answer.sent && !s->stream_at);
}

static CURLcode perform(struct s3_session *s, size_t headers, size_t bytes)
{
	struct curl_slist *list;
	CURLcode code;

	forget_ours(s, headers, bytes);
	s3_refresh_place(s);
	list = compose(s);
	if (!list)
		return CURLE_OUT_OF_MEMORY;
	code = s3_http(s, s->url.p, list);
	forget_ours(s, headers, bytes);
	if (s->keys.token[0])
		text_reset(&s->lines);
	return code;
}

static enum migrate_status send_request(struct s3_session *s, const char *what, bool changes)
{
	size_t headers = s->header_count, bytes = s->headers.n;
	enum migrate_status status = MIGRATE_OK;
	unsigned int tried = 0;
	bool repeated = false;

	if (!s->s3->config.anonymous)
		status = s3_refresh_keys(s, S3_KEYS_TRUSTED);
	if (status == MIGRATE_OK && s->stream && s->stream_size <= S3_SMALL)
		status = read_small(s);
	if (status != MIGRATE_OK)
		return status;
	s->once = changes || s->stream;
	for (;;) {
		CURLcode code = perform(s, headers, bytes);

		if (code != CURLE_OK) {
			if (repeated || !may_repeat(s, code, changes) || !rewind_streams(s))
				return s3_fail_curl(s, code, what, changes);
			repeated = true;
			continue;
		}
		if (s->answer.status / 100 == 2)
			return s->stopped;
		s3_error_parse(s);
		if (!try_again(s, &tried, &status) || !rewind_streams(s))
			return status == MIGRATE_OK ? s3_fail_answer(s, what) : status;
	}
}

enum migrate_status s3_send(struct s3_session *s, const char *what)
{
	return send_request(s, what, false);
}

enum migrate_status s3_send_change(struct s3_session *s, const char *what)
{
	return send_request(s, what, true);
}
