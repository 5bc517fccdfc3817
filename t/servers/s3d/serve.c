/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

static bool hit(const struct exchange *x, enum action a)
{
	return fault_get(&x->faults, a);
}

static void match_faults(struct exchange *x)
{
	struct server *s = x->server;

	pthread_mutex_lock(&s->lock);
	script_refresh(s);
	x->number = ++s->requests;
	script_match(s->script, x->op->name, x->key, &x->faults);
	pthread_mutex_unlock(&s->lock);
}

static void hang_up(struct exchange *x)
{
	x->r.status = 0;
	log_request(x);
	conn_reset(x->conn);
}

static bool check_framing(struct exchange *x)
{
	const char *method = x->q.method;

	if (request_header(&x->q, "transfer-encoding"))
		return fail_not_implemented(x, "Transfer-Encoding");
	/* A copy has no body to speak of, and old clients send none of its length. */
	if (!x->q.has_length && !request_header(&x->q, "x-amz-copy-source") &&
	    (!strcmp(method, "PUT") || !strcmp(method, "POST")))
		return fail(x, 411, "MissingContentLength",
			    "You must provide the Content-Length HTTP header.");
	/* Room for what aws-chunked adds; the body itself is checked once it is read. */
	if (x->q.length > (unsigned long long)sw(x, SW_MAX_PUT) + (1 << 20)) {
		x->q.close = true;
		return fail(x, 400, "EntityTooLarge",
			    "Your proposed upload exceeds the maximum allowed size");
	}
	return true;
}

/*
 * Reads the body, which a client that waits for "100 Continue" sends only when
 * its request is good. False: the connection ends here.
 */
static bool take_body(struct exchange *x, bool good)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct fault *during = fault_get(&x->faults, ACT_RESET_DURING);

	if (x->q.close && !good)
		return true;
	if (x->q.expect && !good) {
		x->q.close = true;
		return true;
	}
	if (x->q.expect && x->q.length && !conn_write(x->conn, go_on, sizeof(go_on) - 1))
		return false;
	if (during) {
		http_read_body(
		    x->conn, &x->q,
		    (unsigned long long)fault_number(during, 0, (long long)x->q.length / 2));
		hang_up(x);
		return false;
	}
	if (!http_read_body(x->conn, &x->q, ~0ULL)) {
		x->conn->dead = true;
		return false;
	}
	if (hit(x, ACT_RESET_AFTER)) {
		hang_up(x);
		return false;
	}
	return true;
}

static bool scripted_redirect(struct exchange *x, const struct fault *f)
{
	int status = (int)fault_number(f, 1, 307);
	const char *scheme = strstr(f->args[0], "://") ? ""
			     : x->server->config.tls   ? "https://"
						       : "http://";
	struct text elements = { NULL, 0, 0 };

	text_printf(&elements, "<Endpoint>%s</Endpoint>", f->args[0]);
	fail_with(x, status,
		  f->args[2][0]   ? f->args[2]
		  : status == 301 ? "PermanentRedirect"
				  : "TemporaryRedirect",
		  "Please re-send this request to the specified temporary endpoint.", elements.p);
	text_release(&elements);
	reply_header(&x->r, "Location", "%s%s%s%s%s", scheme, f->args[0], x->q.path,
		     x->q.query ? "?" : "", x->q.query ? x->q.query : "");
	return true;
}

static void answer_file(struct exchange *x, const struct fault *f)
{
	FILE *file = fopen(f->args[1], "r");
	char buffer[8192];
	size_t n;

	if (!file) {
		fail(x, 500, "InternalError", "The file of the scripted answer cannot be read.");
		return;
	}
	while ((n = fread(buffer, 1, sizeof(buffer), file)))
		text_add(&x->r.body, buffer, n);
	fclose(file);
	reply_header(&x->r, "Content-Type", "application/xml");
	x->r.status = (int)fault_number(f, 0, 200);
}

static void answer_status(struct exchange *x, const struct fault *f)
{
	char *equals = strchr(f->args[2], '=');

	fail(x, (int)fault_number(f, 0, 500), f->args[1][0] ? f->args[1] : "SlowDown",
	     "Scripted: please try again.");
	if (equals)
		reply_header(&x->r, "Retry-After", "%s", equals + 1);
}

/* True when the script answers in place of the operation. */
static bool scripted_answer(struct exchange *x)
{
	const struct fault *f;

	if ((f = fault_get(&x->faults, ACT_REDIRECT)))
		return scripted_redirect(x, f);
	if ((f = fault_get(&x->faults, ACT_STATUS))) {
		answer_status(x, f);
	} else if ((f = fault_get(&x->faults, ACT_ERROR_200))) {
		fail(x, 200, f->args[0][0] ? f->args[0] : "InternalError",
		     "We encountered an internal error. Please try again.");
	} else if (hit(x, ACT_EMPTY_200)) {
		x->r.status = 200;
	} else if ((f = fault_get(&x->faults, ACT_BODY))) {
		x->r.status = (int)fault_number(f, 0, 200);
		reply_header(&x->r, "Content-Type", "application/xml");
		text_puts(&x->r.body, f->args[1]);
	} else if ((f = fault_get(&x->faults, ACT_BODY_FILE))) {
		answer_file(x, f);
	} else {
		return false;
	}
	return true;
}

/* The object that a scripted change is made to: a copy's source, else the key's. */
static struct bucket *victim(struct exchange *x, struct text *key)
{
	const char *source = request_header(&x->q, "x-amz-copy-source");
	const char *slash;
	char *text, name[256];
	struct bucket *b;

	if (!source) {
		text_put_bytes(key, x->key);
		return store_bucket(&x->server->store, x->bucket);
	}
	source += *source == '/';
	slash = strchr(source, '/');
	if (!slash || (size_t)(slash - source) >= sizeof(name))
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)(slash - source), source);
	b = store_bucket(&x->server->store, name);
	text = must_text(slash + 1);
	text_add(key, text, url_decode(text, text, strcspn(text, "?"), sw(x, SW_PATH_PLUS) == YES));
	free(text);
	return b;
}

/* Somebody else overwrites or removes the object just before. */
static void change_object(struct exchange *x)
{
	const struct fault *swap = fault_get(&x->faults, ACT_SWAP);
	struct text name = { NULL, 0, 0 };
	struct bucket *b = victim(x, &name);
	struct bytes key = { text_get(&name), name.len };
	struct object *old = b ? bucket_object(b, key) : NULL;

	if (old && hit(x, ACT_REMOVE)) {
		bucket_drop_object(b, key);
	} else if (old && swap) {
		struct object *o = object_new();
		size_t n = (size_t)fault_number(swap, 0, (long long)old->data->len);

		attrs_copy(&o->attrs, &old->attrs);
		o->acl = must_text("private");
		o->data = blob_new(n);
		memset(o->data->p, (int)(x->number % 95) + 32, n);
		object_seal(x, o, -1);
		bucket_put_object(b, key, o);
	}
	text_release(&name);
}

static void run(struct exchange *x)
{
	const struct fault *committed = fault_get(&x->faults, ACT_STATUS_COMMITTED);

	pthread_mutex_lock(&x->server->lock);
	if (hit(x, ACT_SWAP) || hit(x, ACT_REMOVE))
		change_object(x);
	if (x->server->config.null_mode)
		null_operation(x);
	else
		x->op->run(x);
	if (hit(x, ACT_FORGET) && x->b && !x->r.code[0])
		bucket_drop_object(x->b, x->key);
	if (committed && !x->r.code[0])
		answer_status(x, committed);
	pthread_mutex_unlock(&x->server->lock);
}

/* False: the connection ends without an answer. */
static bool handle(struct exchange *x)
{
	bool good = route(x);

	if (good && control(x))
		return !x->conn->dead;
	match_faults(x);
	if (hit(x, ACT_RESET_BEFORE)) {
		hang_up(x);
		return false;
	}
	good = good && check_framing(x) && sign_check(x);
	if (!take_body(x, good))
		return false;
	good = good && (x->server->config.null_mode || body_check(x));
	if (good && !scripted_answer(x))
		run(x);
	if (hit(x, ACT_RESET_COMMITTED)) {
		hang_up(x);
		return false;
	}
	log_request(x);
	return true;
}

static void exchange_reset(struct exchange *x)
{
	blob_unref(x->q.body);
	blob_unref(x->q.sent);
	x->q.body = x->q.sent = NULL;
	response_reset(&x->r);
	x->r.close = false;
	faults_release(&x->faults);
	x->signature = "none";
	x->signing.payload = "";
	x->b = NULL;
	x->secret = false;
	x->bucket[0] = '\0';
}

static void answer_bad_request(struct exchange *x)
{
	x->q.method = x->q.path = (char *)"";
	x->r.close = true;
	fail(x, 400, "BadRequest", "An error occurred when parsing the HTTP request.");
	send_response(x);
}

void serve_connection(struct server *s, struct conn *c, unsigned region)
{
	struct exchange *x = must_zero(sizeof(*x));

	x->server = s;
	x->conn = c;
	x->region = region;
	while (!c->dead) {
		enum http_result result;

		exchange_reset(x);
		result = http_read_head(c, &x->q);
		if (result == HTTP_BAD)
			answer_bad_request(x);
		if (result != HTTP_OK || !handle(x))
			break;
		x->r.close = x->r.close || x->q.close;
		send_response(x);
		if (x->r.close)
			break;
	}
	exchange_reset(x);
	request_release(&x->q);
	response_release(&x->r);
	text_release(&x->key_buf);
	free(x);
}
