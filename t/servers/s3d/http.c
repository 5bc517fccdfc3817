/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void request_release(struct request *q)
{
	text_release(&q->head);
	text_release(&q->query_buf);
	blob_unref(q->body);
	blob_unref(q->sent);
	q->body = q->sent = NULL;
}

void response_release(struct response *r)
{
	text_release(&r->head);
	text_release(&r->body);
	blob_unref(r->blob);
	r->blob = NULL;
}

void response_reset(struct response *r)
{
	text_reset(&r->head);
	text_reset(&r->body);
	blob_unref(r->blob);
	r->blob = NULL;
	r->from = r->length = 0;
	r->status = 200;
	r->no_body = false;
	r->code[0] = '\0';
}

const char *request_header(const struct request *q, const char *name)
{
	for (size_t i = 0; i < q->header_count; i++) {
		if (!strcmp(q->headers[i].name, name))
			return q->headers[i].value;
	}
	return NULL;
}

const struct param *request_param(const struct request *q, const char *name)
{
	for (size_t i = 0; i < q->param_count; i++) {
		if (bytes_equal(q->params[i].name, bytes_of(name)))
			return &q->params[i];
	}
	return NULL;
}

const char *request_value(const struct request *q, const char *name)
{
	const struct param *p = request_param(q, name);

	return p ? p->value.p : NULL;
}

void reply_header(struct response *r, const char *name, const char *format, ...)
{
	char *value = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&value, format, args);
	va_end(args);
	if (n < 0)
		die("out of memory for a header");
	text_printf(&r->head, "%s: %s\r\n", name, value);
	free(value);
}

void http_date(char to[40], int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(to, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm))
		die("cannot write a date");
}

static char *trim(char *s, char *end)
{
	while (end > s && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

static bool parse_header(struct request *q, char *line, char *end)
{
	char *colon = memchr(line, ':', (size_t)(end - line));

	if (!colon || colon == line || q->header_count == MAX_HEADERS ||
	    memchr(line, '\0', (size_t)(end - line)))
		return false;
	for (char *p = line; p < colon; p++) {
		if (*p == ' ' || *p == '\t')
			return false;
		*p = (char)tolower((unsigned char)*p);
	}
	*colon = '\0';
	q->headers[q->header_count].name = line;
	q->headers[q->header_count++].value = trim(colon + 1, end);
	return true;
}

static bool parse_request_line(struct request *q, char *line, char *end)
{
	char *space, *version;

	*end = '\0';
	space = strchr(line, ' ');
	version = strrchr(line, ' ');
	if (!space || version == space || strncmp(version, " HTTP/1.", 8) != 0)
		return false;
	*space = *version = '\0';
	q->method = line;
	q->path = space + 1;
	q->http10 = version[8] == '0';
	/* The absolute form, as to a proxy. */
	if (!strncmp(q->path, "http://", 7)) {
		q->path = strchr(q->path + 7, '/');
		if (!q->path)
			return false;
	}
	q->query = strchr(q->path, '?');
	if (q->query)
		*q->query++ = '\0';
	return q->path[0] == '/';
}

static bool parse_query(struct request *q)
{
	const char *p = q->query;
	size_t room = p ? strlen(p) * 2 + 2 * MAX_PARAMS + 2 : 0;
	char *to;

	q->param_count = 0;
	if (!p)
		return true;
	q->query_buf.p = must_grow(q->query_buf.p, room);
	q->query_buf.cap = room;
	to = q->query_buf.p;
	while (*p) {
		size_t n = strcspn(p, "&");
		const char *equals = memchr(p, '=', n);
		size_t name = equals ? (size_t)(equals - p) : n;
		struct param *param = &q->params[q->param_count];

		if (n && q->param_count++ == MAX_PARAMS)
			return false;
		if (n) {
			param->name = (struct bytes){ to, url_decode(to, p, name, true) };
			to += param->name.len;
			*to++ = '\0';
			param->value.p = to;
			param->value.len =
			    equals ? url_decode(to, equals + 1, n - name - 1, true) : 0;
			to += param->value.len;
			*to++ = '\0';
		}
		p += n + (p[n] == '&');
	}
	return true;
}

static bool read_framing(struct request *q)
{
	const char *length = request_header(q, "content-length");
	const char *connection = request_header(q, "connection");
	const char *expect = request_header(q, "expect");

	q->has_length = length;
	q->length = 0;
	q->close = q->http10 ? !connection || strcasecmp(connection, "keep-alive") != 0
			     : connection && !strcasecmp(connection, "close");
	q->expect = expect && !strcasecmp(expect, "100-continue");
	/* Without a length nobody can say where the next request starts. */
	if (request_header(q, "transfer-encoding"))
		q->close = true;
	return !length || number_of(length, 1ULL << 50, &q->length);
}

static enum http_result parse_head(struct request *q)
{
	char *p = q->head.p, *end = p + q->head.len;
	bool first = true;

	q->header_count = 0;
	while (p < end) {
		char *newline = memchr(p, '\n', (size_t)(end - p));
		char *line_end;

		if (!newline)
			return HTTP_BAD;
		line_end = newline > p && newline[-1] == '\r' ? newline - 1 : newline;
		if (line_end == p)
			break;
		if (!(first ? parse_request_line(q, p, line_end) : parse_header(q, p, line_end)))
			return HTTP_BAD;
		first = false;
		p = newline + 1;
	}
	return !first && parse_query(q) && read_framing(q) ? HTTP_OK : HTTP_BAD;
}

/* The length of the head that starts at the buffer's front, or 0. */
static size_t head_length(struct conn *c)
{
	char *start = c->in + c->used;
	char *end = memmem(start, c->len - c->used, "\r\n\r\n", 4);

	return end ? (size_t)(end - start) + 4 : 0;
}

enum http_result http_read_head(struct conn *c, struct request *q)
{
	size_t n;

	while (c->used < c->len && (c->in[c->used] == '\r' || c->in[c->used] == '\n'))
		c->used++;
	while (!(n = head_length(c))) {
		if (!conn_fill(c))
			return c->len == CONN_BUFFER ? HTTP_BAD : HTTP_END;
		/* a hello of TLS has no line's end to wait for */
		if (c->in[c->used] < 'A' || c->in[c->used] > 'Z')
			return HTTP_BAD;
	}
	text_reset(&q->head);
	text_add(&q->head, c->in + c->used, n);
	c->used += n;
	c->requests++;
	return parse_head(q);
}

bool http_read_body(struct conn *c, struct request *q, unsigned long long limit)
{
	size_t n = (size_t)(q->length < limit ? q->length : limit);
	struct blob *b = blob_new(n);
	size_t have = c->len - c->used < n ? c->len - c->used : n;

	memcpy(b->p, c->in + c->used, have);
	c->used += have;
	while (have < n) {
		size_t got = conn_read(c, b->p + have, n - have);

		if (!got) {
			blob_unref(b);
			return false;
		}
		have += got;
	}
	blob_unref(q->body);
	q->body = b;
	return true;
}

const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} known[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 416, "Requested Range Not Satisfiable" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Slow Down" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].status == status)
			return known[i].text;
	}
	return "Status";
}
