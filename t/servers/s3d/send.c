/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

/* The answer's bytes on their way out. */
struct out {
	struct exchange *x;
	struct conn *conn;
	struct text head;
	const char *p;
	size_t n;
	char *copy; /* of p, when it had to be changed */
};

static const struct fault *fault(const struct out *o, enum action a)
{
	return fault_get(&o->x->faults, a);
}

/* Takes the header's line out of the head. */
static void drop_header(struct text *head, const char *name)
{
	size_t n = strlen(name);
	char *p = head->p;

	while (p && *p) {
		char *end = strstr(p, "\r\n");
		size_t length = (size_t)(end + 2 - p);

		if (strncasecmp(p, name, n) != 0 || p[n] != ':') {
			p += length;
			continue;
		}
		memmove(p, p + length, head->len - (size_t)(p - head->p) - length + 1);
		head->len -= length;
	}
}

static void change_headers(struct out *o)
{
	for (size_t i = 0; i < o->x->faults.count; i++) {
		struct fault *f = o->x->faults.v[i];
		char *equals = strchr(f->args[0], '=');

		if (f->action == ACT_NO_HEADER) {
			drop_header(&o->head, f->args[0]);
		} else if (f->action == ACT_HEADER && equals) {
			*equals = '\0';
			drop_header(&o->head, f->args[0]);
			text_printf(&o->head, "%s: %s\r\n", f->args[0], equals + 1);
			*equals = '=';
		}
	}
}

static void add_headers(struct out *o, const struct fault *f)
{
	int size = (int)fault_number(f, 1, 16);

	for (long long i = 0; i < fault_number(f, 0, 1); i++)
		text_printf(&o->head, "x-amz-meta-%lld: %0*d\r\n", i, size, 7);
}

static bool is_endless(const struct out *o, const char *what)
{
	const struct fault *f = fault(o, ACT_ENDLESS);

	return f && !strcmp(f->args[0], what);
}

static void make_head(struct out *o)
{
	struct exchange *x = o->x;
	const struct fault *date_fault = fault(o, ACT_DATE), *code = fault(o, ACT_CODE);
	int64_t now = server_now(x->server);
	int status = code ? (int)fault_number(code, 0, 200) : x->r.status;
	char date[40];

	if (date_fault)
		now += fault_number(date_fault, 0, 3600) * 1000;
	http_date(date, now);
	text_printf(&o->head, "HTTP/1.1 %d %s\r\nServer: %s\r\nDate: %s\r\n", status,
		    status_text(status), x->server->config.switches.server, date);
	text_printf(&o->head, "x-amz-request-id: %016lX\r\n", x->number);
	text_add(&o->head, text_get(&x->r.head), x->r.head.len);
	if (fault(o, ACT_HEADERS))
		add_headers(o, fault(o, ACT_HEADERS));
	if (fault(o, ACT_CHUNKED_CUT) || is_endless(o, "body"))
		text_puts(&o->head, "Transfer-Encoding: chunked\r\n");
	else if (status != 204 && status != 304)
		text_printf(&o->head, "Content-Length: %zu\r\n", o->n);
	if (x->r.close)
		text_puts(&o->head, "Connection: close\r\n");
	change_headers(o);
	text_puts(&o->head, "\r\n");
}

static void own_body(struct out *o)
{
	if (o->copy)
		return;
	o->copy = must_dup(o->p, o->n);
	o->p = o->copy;
}

/* Blanks behind the XML declaration, as S3 keeps a connection awake. */
static void add_spaces(struct out *o, size_t count)
{
	const char *end = memmem(o->p, o->n, "?>", 2);
	size_t at = end ? (size_t)(end + 2 - o->p) : 0;
	char *with = must_alloc(o->n + count + 1);

	memcpy(with, o->p, at);
	memset(with + at, ' ', count);
	memcpy(with + at + count, o->p + at, o->n - at);
	free(o->copy);
	o->p = o->copy = with;
	o->n += count;
}

static void change_body(struct out *o)
{
	const struct fault *flip = fault(o, ACT_FLIP), *spaces = fault(o, ACT_SPACES);

	if (flip && o->n) {
		size_t at = (size_t)fault_number(flip, 0, 0);

		own_body(o);
		o->copy[at < o->n ? at : o->n - 1] ^= 1;
	}
	if (spaces)
		add_spaces(o, (size_t)fault_number(spaces, 0, 64));
}

/* The head and so many bytes of the body. */
static bool send_part(struct out *o, size_t n)
{
	return conn_write2(o->conn, o->head.p, o->head.len, o->p, n < o->n ? n : o->n);
}

static void send_cut(struct out *o, const struct fault *f)
{
	send_part(o, (size_t)fault_number(f, 0, 0));
	if (!strcmp(f->args[1], "reset")) {
		/* Give the client the time to take what was sent. */
		conn_wait(o->conn, 0.05);
		conn_reset(o->conn);
	}
	o->x->r.close = true;
}

static void send_stalled(struct out *o, const struct fault *f)
{
	double seconds = (double)fault_number(f, 0, 3600);
	size_t at = (size_t)fault_number(f, 1, 0);

	if (f->args[1][0])
		send_part(o, at);
	conn_wait(o->conn, seconds);
	conn_reset(o->conn);
}

/* So many bytes a second, a hundred times a second where they are many. */
static void send_dripping(struct out *o, const struct fault *f)
{
	double rate = fault_seconds(f, 0, 1);
	size_t drop = rate > 100 ? (size_t)(rate / 100) : 1;
	bool good = conn_write(o->conn, o->head.p, o->head.len);

	for (size_t i = 0; good && i < o->n; i += drop) {
		size_t n = o->n - i < drop ? o->n - i : drop;

		good = conn_write(o->conn, o->p + i, n) && conn_wait(o->conn, (double)n / rate);
	}
}

static void send_chunked(struct out *o, const struct fault *f)
{
	size_t n = (size_t)fault_number(f, 0, (long long)o->n);
	bool whole = !f->args[0][0];
	char size[32];
	int length = snprintf(size, sizeof(size), "%zx\r\n", o->n);

	if (n > o->n)
		n = o->n;
	if (!conn_write(o->conn, o->head.p, o->head.len) ||
	    (o->n && (!conn_write(o->conn, size, (size_t)length) || !conn_write(o->conn, o->p, n))))
		return;
	if (whole)
		conn_write(o->conn, o->n ? "\r\n0\r\n\r\n" : "0\r\n\r\n", o->n ? 7 : 5);
	else
		o->x->r.close = true;
}

/* The same bytes, until they are wanted no more. */
static void send_again(struct out *o, const struct text *what)
{
	while (conn_write(o->conn, what->p, what->len))
		;
	o->x->r.close = true;
}

static void put_chunk(struct text *to, const char *p, size_t n)
{
	text_printf(to, "%zx\r\n", n);
	text_add(to, p, n);
	text_puts(to, "\r\n");
}

static void send_endless(struct out *o, const struct fault *f)
{
	struct text first = { NULL, 0, 0 }, again = { NULL, 0, 0 }, many = { NULL, 0, 0 };
	const char *unit = f->args[1][0] ? f->args[1] : " ";

	if (is_endless(o, "body")) {
		text_add(&first, o->head.p, o->head.len);
		if (o->n)
			put_chunk(&first, o->p, o->n);
		while (many.len < 65536)
			text_puts(&many, unit);
		put_chunk(&again, many.p, many.len);
	} else if (is_endless(o, "head")) {
		text_add(&first, o->head.p, o->head.len - 2);
		text_puts(&again, "X-Endless: of these there are more\r\n");
	} else {
		text_puts(&again, "HTTP/1.1 100 Continue\r\nX-Some: thing\r\n\r\n");
	}
	if (!first.len || conn_write(o->conn, first.p, first.len))
		send_again(o, &again);
	text_release(&first);
	text_release(&again);
	text_release(&many);
}

static void send_out(struct out *o)
{
	const struct fault *f;

	if ((f = fault(o, ACT_DELAY)) && !conn_wait(o->conn, fault_seconds(f, 0, 1)))
		return;
	if ((f = fault(o, ACT_ENDLESS)))
		send_endless(o, f);
	else if ((f = fault(o, ACT_STALL)))
		send_stalled(o, f);
	else if ((f = fault(o, ACT_CUT)))
		send_cut(o, f);
	else if ((f = fault(o, ACT_DRIP)))
		send_dripping(o, f);
	else if ((f = fault(o, ACT_CHUNKED_CUT)))
		send_chunked(o, f);
	else
		send_part(o, o->x->r.no_body ? 0 : o->n);
}

void send_response(struct exchange *x)
{
	struct out o = { .x = x, .conn = x->conn };

	o.p = x->r.blob ? x->r.blob->p + x->r.from : text_get(&x->r.body);
	o.n = x->r.blob ? x->r.length : x->r.body.len;
	if (x->faults.count)
		change_body(&o);
	make_head(&o);
	send_out(&o);
	text_release(&o.head);
	free(o.copy);
}
