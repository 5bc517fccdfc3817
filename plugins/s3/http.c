/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

#define BULK (1024 * 1024) /* bytes from which larger buffers are worth their memory */

/* One request by libcurl's easy interface: it blocks, and our callbacks watch it. */

bool s3_answer_line(struct s3_answer *a, const char *line, size_t n)
{
	const char *colon;

	a->heads += n;
	if (a->heads > S3_ANSWER_HEADERS)
		return false;
	if (a->body_began)
		return true;
	while (n && (line[n - 1] == '\r' || line[n - 1] == '\n' || line[n - 1] == ' '))
		n--;
	if (n >= 5 && !memcmp(line, "HTTP/", 5)) { /* anew: what came before was "100 Continue" */
		text_reset(&a->head);
		return true;
	}
	colon = n ? memchr(line, ':', n) : NULL;
	if (!colon || memchr(line, '\0', n))
		return true;
	for (const char *p = line; p < colon; p++)
		text_char(&a->head, (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p));
	text_char(&a->head, '\0');
	for (colon++; colon < line + n && (*colon == ' ' || *colon == '\t'); colon++)
		;
	text_add(&a->head, colon, (size_t)(line + n - colon));
	return text_char(&a->head, '\0');
}

const char *s3_answer_header(const struct s3_session *s, const char *name)
{
	const char *p = text_get(&s->answer.head), *end = p + s->answer.head.n;

	while (p < end) {
		const char *value = p + strlen(p) + 1;

		if (!strcmp(p, name))
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct s3_session *s = arg;

	n *= size;
	if (s3_answer_line(&s->answer, line, n))
		return n;
	s->stopped = migrate_fail(s->ms, MIGRATE_TRANSIENT, "the head of the answer is too long");
	return 0;
}

static bool tell_head(struct s3_session *s)
{
	if (s->head_told || !s->on_head)
		return true;
	s->head_told = true;
	return s->on_head(s, s->on_head_arg);
}

static size_t into_sink(struct s3_session *s, const char *bytes, size_t n)
{
	s->received += n;
	if (!tell_head(s)) {
		if (s->stopped == MIGRATE_OK)
			s->stopped = MIGRATE_CANCELLED;
		return 0;
	}
	if (s->received > s->expected) {
		s->stopped =
		    migrate_fail(s->ms, MIGRATE_TRANSIENT, "more bytes come than the server said");
		return 0;
	}
	if (s->digesting && !EVP_DigestUpdate(s->signer.md, bytes, n))
		s->digesting = false;
	if (migrate_sink_write(s->sink, bytes, n))
		return n;
	s->stopped = MIGRATE_CANCELLED;
	return 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct s3_session *s = arg;
	long status = 0;

	n *= size;
	s->answer.body_began = true;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	s->answer.status = status;
	if (s->sink && status / 100 == 2)
		return into_sink(s, bytes, n);
	if (n <= (status / 100 == 2 ? s->answer_max : S3_ANSWER_MAX) - s->answer.body.n &&
	    text_add(&s->answer.body, bytes, n))
		return n;
	s->stopped = migrate_fail(s->ms, MIGRATE_TRANSIENT, "%s",
				  s->answer.body.bad ? "out of memory for the answer"
						     : "the answer is too long");
	return 0;
}

static size_t stop_sending(struct s3_session *s, enum migrate_status status)
{
	s->stopped = status;
	return CURL_READFUNC_ABORT;
}

/* The last bytes are only sent once the body is known to end with them. */
static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
	struct s3_session *s = arg;
	uint64_t left = s->stream_size - s->stream_at;
	ptrdiff_t got;
	char more;

	n *= size;
	if (!left)
		return 0;
	got = migrate_body_read(s->stream, to, n < left ? n : (size_t)left);
	if (got < 0)
		return stop_sending(s, MIGRATE_CANCELLED);
	if (!got) {
		migrate_fail(s->ms, MIGRATE_MISMATCH, "the body ended after %llu of %llu bytes",
			     (unsigned long long)s->stream_at, (unsigned long long)s->stream_size);
		return stop_sending(s, MIGRATE_MISMATCH);
	}
	s->stream_at += (uint64_t)got;
	if (s->stream_at < s->stream_size)
		return (size_t)got;
	left = (uint64_t)got;
	got = migrate_body_read(s->stream, &more, 1);
	if (got < 0)
		return stop_sending(s, MIGRATE_CANCELLED);
	if (got) {
		migrate_fail(s->ms, MIGRATE_MISMATCH, "the body holds more than %llu bytes",
			     (unsigned long long)s->stream_size);
		return stop_sending(s, MIGRATE_MISMATCH);
	}
	return (size_t)left;
}

/* libcurl wants to send it once more, on another connection. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct s3_session *s = arg;

	if (offset || origin != SEEK_SET || !s->stream || !migrate_body_restart(s->stream))
		return CURL_SEEKFUNC_FAIL;
	s->stream_at = 0;
	return CURL_SEEKFUNC_OK;
}

/*
 * Before each sending. libcurl sends again by itself what got no answer on a connection that
 * had been used before: that would turn a lost answer into a refused precondition.
 */
static int on_prereq(void *arg, char *ip, char *local, int port, int local_port)
{
	struct s3_session *s = arg;

	(void)ip, (void)local, (void)port, (void)local_port;
	if (s->attempts++ && s->once)
		return CURL_PREREQFUNC_ABORT;
	return CURL_PREREQFUNC_OK;
}

static int on_progress(void *arg, curl_off_t total_down, curl_off_t down, curl_off_t total_up,
		       curl_off_t up)
{
	struct s3_session *s = arg;
	int64_t now = s3_monotonic(), limit = s->s3->config.request_timeout;
	int64_t deadline = migrate_deadline(s->ms);

	(void)total_down, (void)total_up;
	if (migrate_cancelled(s->ms)) {
		s->stopped = MIGRATE_CANCELLED;
		return 1;
	}
	if (down + up != s->seen) {
		s->seen = down + up;
		s->moved = now;
		migrate_progress(s->ms);
	}
	if (deadline > 0 && (!limit || deadline < limit))
		limit = deadline;
	if (!limit || now - s->moved < limit)
		return 0;
	s->stopped = MIGRATE_TRANSIENT;
	migrate_fail(s->ms, MIGRATE_TRANSIENT, "no byte came or went for %lld ms",
		     (long long)limit);
	return 1;
}

CURL *s3_http_new(struct s3_session *s)
{
	CURL *c = curl_easy_init();

	if (!c)
		return NULL;
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 15000L);
	curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, 50L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "migrate/" MIGRATE_VERSION);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->curl_error);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(c, CURLOPT_READDATA, s);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(c, CURLOPT_SEEKDATA, s);
	curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_prereq);
	curl_easy_setopt(c, CURLOPT_PREREQDATA, s);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
	s3_tls_give(s->s3, c);
	return c;
}

static void choose_method(struct s3_session *s)
{
	CURL *c = s->curl;
	bool reads = !strcmp(s->method, "GET"), head = !strcmp(s->method, "HEAD");

	curl_easy_setopt(c, CURLOPT_HTTPGET, 1L); /* undoes what the last request asked for */
	if (head) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	} else if (s->has_body && s->stream) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->stream_size);
	} else if (s->has_body) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->body.n);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, text_get(&s->body));
	}
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, reads || head ? NULL : s->method);
}

/*
 * Each piece takes three calls of the kernel: many bytes go in larger ones. How many will
 * come is not known before; what came last time is as good a guess as any.
 */
static void choose_buffer(struct s3_session *s)
{
	uint64_t n = s->stream ? s->stream_size : s->came;
	long size = n < BULK ? 32 * 1024L : 256 * 1024L;

	if (s->buffer == size || !(s->stream || s->sink))
		return;
	s->buffer = size;
	curl_easy_setopt(s->curl, CURLOPT_BUFFERSIZE, size);
	curl_easy_setopt(s->curl, CURLOPT_UPLOAD_BUFFERSIZE, size);
}

static bool was_sent(const struct s3_session *s)
{
	curl_off_t up = 0;
	long head = 0;

	curl_easy_getinfo(s->curl, CURLINFO_REQUEST_SIZE, &head);
	curl_easy_getinfo(s->curl, CURLINFO_SIZE_UPLOAD_T, &up);
	if (head <= 0)
		return false;
	/* a body that went out with the head is counted in either, depending on the version */
	return s->stream ? (uint64_t)up >= s->stream_size
			 : (size_t)up >= s->body.n || (size_t)head >= s->body.n;
}

CURLcode s3_http(struct s3_session *s, const char *url, struct curl_slist *headers)
{
	CURLcode code;

	choose_buffer(s);
	s->stopped = MIGRATE_OK;
	s->head_told = s->digesting = false;
	s->attempts = 0;
	s->seen = 0;
	s->stream_at = s->received = 0;
	s->moved = s3_monotonic();
	s->curl_error[0] = '\0';
	text_reset(&s->answer.head);
	text_shrink(&s->answer.body, S3_ANSWER_KEEP);
	text_reset(&s->answer.body);
	s->answer.heads = 0;
	s->answer.body_began = false;
	s->answer.status = 0;
	s->answer.code[0] = s->answer.message[0] = s->answer.region[0] = '\0';
	choose_method(s);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, s->place.tls ? "https" : "http");
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(s->curl);
	if (s->sink)
		s->came = s->received;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &s->answer.status);
	s->answer.sent = was_sent(s);
	if (code == CURLE_OK && s->answer.status / 100 == 2 && !tell_head(s))
		code = CURLE_WRITE_ERROR;
	return code;
}
