/* SPDX-License-Identifier: MIT */
#ifndef S3D_HTTP_H
#define S3D_HTTP_H

#include "conn.h"
#include "store.h"
#include "text.h"

/*
 * HTTP/1.1 as far as S3 needs it. Names of headers are lower-case, values are
 * trimmed; both point into head. The path is kept as it was sent.
 */
enum { MAX_HEADERS = 128, MAX_PARAMS = 64 };

struct header {
	char *name;
	char *value;
};

struct param {
	struct bytes name;
	struct bytes value; /* decoded; NUL-terminated too */
};

struct request {
	struct text head;
	struct text query_buf;
	char *method;
	char *path;
	char *query;
	bool http10;
	struct header headers[MAX_HEADERS];
	size_t header_count;
	struct param params[MAX_PARAMS];
	size_t param_count;
	bool has_length;
	unsigned long long length; /* of the body as it is sent */
	bool expect;
	bool close;
	struct blob *body; /* NULL until it was read */
	struct blob *sent; /* the body as it was sent, when that is not body */
};

struct response {
	int status;
	struct text head; /* lines of further headers */
	struct text body;
	struct blob *blob; /* sent instead of body: */
	size_t from;
	size_t length;
	bool no_body; /* an answer to HEAD; Content-Length is said all the same */
	bool close;
	char code[64]; /* of the error, for the log */
};

enum http_result { HTTP_OK, HTTP_END, HTTP_BAD };

void request_release(struct request *q);
void response_release(struct response *r);

/* The next request's head. HTTP_BAD: what came was no request. */
enum http_result http_read_head(struct conn *c, struct request *q);

/* The body, up to limit bytes of it (for faults). False: the client went away. */
bool http_read_body(struct conn *c, struct request *q, unsigned long long limit);

/* NULL when the header was not sent. */
const char *request_header(const struct request *q, const char *name);
/* NULL when the parameter was not sent. */
const struct param *request_param(const struct request *q, const char *name);
/* Its value, or NULL. */
const char *request_value(const struct request *q, const char *name);

void reply_header(struct response *r, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Forget everything that was going to be answered. */
void response_reset(struct response *r);
const char *status_text(int status);
/* "Sat, 21 Nov 2026 03:04:05 GMT" */
void http_date(char to[40], int64_t ms);

#endif
