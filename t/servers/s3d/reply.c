/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <string.h>

static const char namespace_of_s3[] = "http://s3.amazonaws.com/doc/2006-03-01/";

int64_t server_now(const struct server *s)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ((int64_t)ts.tv_sec + s->config.skew) * 1000 + ts.tv_nsec / 1000000;
}

bool fail_with(struct exchange *x, int status, const char *code, const char *message,
	       const char *elements)
{
	struct response *r = &x->r;

	response_reset(r);
	r->status = status;
	snprintf(r->code, sizeof(r->code), "%s", code);
	reply_header(r, "Content-Type", "application/xml");
	if (!strcmp(x->q.method, "HEAD"))
		return false;
	text_printf(&r->body,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>",
		    code);
	text_xml(&r->body, bytes_of(message));
	text_puts(&r->body, "</Message>");
	text_puts(&r->body, elements);
	if (x->bucket[0]) {
		text_puts(&r->body, "<BucketName>");
		text_xml(&r->body, bytes_of(x->bucket));
		text_puts(&r->body, "</BucketName>");
	}
	text_puts(&r->body, "<Resource>");
	text_xml(&r->body, bytes_of(x->q.path));
	text_printf(&r->body, "</Resource><RequestId>%016lX</RequestId></Error>", x->number);
	return false;
}

bool fail(struct exchange *x, int status, const char *code, const char *message)
{
	return fail_with(x, status, code, message, "");
}

bool fail_not_implemented(struct exchange *x, const char *what)
{
	struct text elements = { NULL, 0, 0 };

	text_puts(&elements, "<Header>");
	text_xml(&elements, bytes_of(what));
	text_puts(&elements, "</Header>");
	fail_with(x, 501, "NotImplemented",
		  "A header you provided implies functionality that is not implemented",
		  elements.p);
	text_release(&elements);
	return false;
}

bool fail_no_key(struct exchange *x)
{
	struct text elements = { NULL, 0, 0 };

	text_puts(&elements, "<Key>");
	text_xml(&elements, x->key);
	text_puts(&elements, "</Key>");
	fail_with(x, 404, "NoSuchKey", "The specified key does not exist.", elements.p);
	text_release(&elements);
	return false;
}

void xml_start(struct exchange *x, const char *root)
{
	reply_header(&x->r, "Content-Type", "application/xml");
	text_printf(&x->r.body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"%s\">",
		    root, namespace_of_s3);
}

void xml_end(struct exchange *x, const char *root)
{
	text_printf(&x->r.body, "</%s>", root);
}

void xml_element(struct exchange *x, const char *name, struct bytes value)
{
	text_printf(&x->r.body, "<%s>", name);
	text_xml(&x->r.body, value);
	text_printf(&x->r.body, "</%s>", name);
}

void put_date(struct text *to, const char *name, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char date[40];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		die("cannot write a date");
	text_printf(to, "<%s>%s.%03dZ</%s>", name, date, (int)(ms % 1000), name);
}

void xml_date(struct exchange *x, const char *name, int64_t ms)
{
	put_date(&x->r.body, name, ms);
}
