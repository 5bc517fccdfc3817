/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct log {
	int fd;
};

struct log *log_open(const char *path)
{
	struct log *l = must_zero(sizeof(*l));

	l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (l->fd < 0)
		die("cannot open the log %s: %s", path, strerror(errno));
	return l;
}

static void put(struct text *to, const char *name, struct bytes value)
{
	text_printf(to, ",\"%s\":\"", name);
	text_json(to, value);
	text_puts(to, "\"");
}

/* What tests assert is all here; what is secret is not. */
static bool is_shown(const char *name)
{
	static const char *const hidden[] = {
		"authorization",
		"x-amz-security-token",
		"x-amz-server-side-encryption-customer-key",
		"x-amz-copy-source-server-side-encryption-customer-key",
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (!strcmp(hidden[i], name))
			return false;
	}
	return true;
}

static void put_headers(struct exchange *x, struct text *to)
{
	const char *separator = "";

	text_puts(to, ",\"headers\":{");
	for (size_t i = 0; i < x->q.header_count; i++) {
		const struct header *h = &x->q.headers[i];

		if (!is_shown(h->name))
			continue;
		text_printf(to, "%s\"", separator);
		text_json(to, bytes_of(h->name));
		text_puts(to, "\":\"");
		text_json(to, bytes_of(h->value));
		text_puts(to, "\"");
		separator = ",";
	}
	text_puts(to, "}");
}

/* One write a line: a line is never torn, and is there before the answer is. */
void log_request(struct exchange *x)
{
	struct text line = { NULL, 0, 0 }, key = { NULL, 0, 0 };
	const struct response *r = &x->r;
	size_t out = r->no_body ? 0 : r->blob ? r->length : r->body.len;

	if (!x->server->log || x->secret)
		return;
	text_url(&key, x->key, "/");
	text_printf(&line, "{\"n\":%lu,\"conn\":%lu,\"op\":\"%s\"", x->number, x->conn->id,
		    x->op->name);
	put(&line, "bucket", bytes_of(x->bucket));
	put(&line, "key", (struct bytes){ key.p, key.len });
	put(&line, "query", bytes_of(x->q.query ? x->q.query : ""));
	text_printf(&line, ",\"status\":%d,\"code\":\"%s\",\"in\":%zu,\"out\":%zu,\"sig\":\"%s\"",
		    r->status, r->code, x->q.body ? x->q.body->len : 0, out, x->signature);
	text_printf(&line, ",\"region\":\"%s\",\"faults\":[", x->server->config.regions[x->region]);
	for (size_t i = 0; i < x->faults.count; i++)
		text_printf(&line, "%s\"%s\"", i ? "," : "", action_name(x->faults.v[i]->action));
	text_puts(&line, "]");
	put_headers(x, &line);
	text_puts(&line, "}\n");
	if (write(x->server->log->fd, line.p, line.len) != (ssize_t)line.len)
		die("cannot write the log: %s", strerror(errno));
	text_release(&line);
	text_release(&key);
}
