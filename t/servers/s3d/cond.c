/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <string.h>

bool parse_http_date(const char *s, int64_t *ms)
{
	static const char *const formats[] = { "%a, %d %b %Y %H:%M:%S GMT",
					       "%a, %d %b %Y %H:%M:%S +0000", "%Y%m%dT%H%M%SZ" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { 0 };
		char *end = strptime(s, formats[i], &tm);

		if (end && !*end) {
			*ms = (int64_t)timegm(&tm) * 1000;
			return true;
		}
	}
	return false;
}

/* A list of ETags with or without quotes, or "*". */
bool etag_matches(const char *list, const char *etag)
{
	size_t n = strlen(etag);

	while (*list) {
		const char *start = list + strspn(list, " ,");
		size_t len = strcspn(start, ",");

		list = start + len;
		while (len && start[len - 1] == ' ')
			len--;
		if (len == 1 && *start == '*')
			return true;
		if (len >= 2 && *start == '"' && start[len - 1] == '"') {
			start++;
			len -= 2;
		}
		if (len == n && !memcmp(start, etag, n))
			return true;
	}
	return false;
}

struct conditions {
	const char *match, *none_match, *modified, *unmodified;
};

/* 0, or 412, or 304, as RFC 9110 orders the conditions. */
static int evaluate(const struct conditions *c, const struct object *o)
{
	int64_t changed = o->changed / 1000 * 1000, date;

	if (c->match && !etag_matches(c->match, o->etag))
		return 412;
	if (!c->match && c->unmodified && parse_http_date(c->unmodified, &date) && changed > date)
		return 412;
	if (c->none_match && etag_matches(c->none_match, o->etag))
		return 304;
	if (!c->none_match && c->modified && parse_http_date(c->modified, &date) && changed <= date)
		return 304;
	return 0;
}

static bool precondition_failed(struct exchange *x, const char *which)
{
	struct text elements = { NULL, 0, 0 };

	text_printf(&elements, "<Condition>%s</Condition>", which);
	fail_with(x, 412, "PreconditionFailed",
		  "At least one of the pre-conditions you specified did not hold", elements.p);
	text_release(&elements);
	return false;
}

static bool ignored(const struct exchange *x)
{
	return fault_get(&x->faults, ACT_IGNORE_CONDITIONS);
}

bool check_read_conditions(struct exchange *x, const struct object *o)
{
	struct conditions c = { request_header(&x->q, "if-match"),
				request_header(&x->q, "if-none-match"),
				request_header(&x->q, "if-modified-since"),
				request_header(&x->q, "if-unmodified-since") };
	int status = ignored(x) ? 0 : evaluate(&c, o);

	if (status == 412)
		return precondition_failed(x, c.match ? "If-Match" : "If-Unmodified-Since");
	if (status == 304) {
		response_reset(&x->r);
		x->r.status = 304;
		reply_header(&x->r, "ETag", "\"%s\"", o->etag);
		return false;
	}
	return true;
}

bool check_copy_conditions(struct exchange *x, const struct object *o)
{
	struct conditions c = { request_header(&x->q, "x-amz-copy-source-if-match"),
				request_header(&x->q, "x-amz-copy-source-if-none-match"),
				request_header(&x->q, "x-amz-copy-source-if-modified-since"),
				request_header(&x->q, "x-amz-copy-source-if-unmodified-since") };

	if (ignored(x) || sw(x, SW_COPY_SOURCE_IF) == NO)
		return true;
	if (sw(x, SW_COPY_SOURCE_IF) == REFUSED &&
	    (c.match || c.none_match || c.modified || c.unmodified))
		return fail_not_implemented(x, "x-amz-copy-source-if-match");
	if (c.match && strchr(o->etag, '-') && sw(x, SW_COPY_SOURCE_PARTS) != YES)
		return precondition_failed(x, "x-amz-copy-source-If-Match");
	return !evaluate(&c, o) || precondition_failed(x, "x-amz-copy-source-If-Match");
}

static bool check_none_match(struct exchange *x, const char *header, const struct object *o,
			     long long how)
{
	if (!header || how == NO)
		return true;
	if (how == REFUSED || strcmp(header, "*") != 0)
		return fail_not_implemented(x, "If-None-Match");
	return !o || precondition_failed(x, "If-None-Match");
}

bool check_write_conditions(struct exchange *x, enum switch_name match, enum switch_name none)
{
	const char *if_match = request_header(&x->q, "if-match");
	const struct object *o = bucket_object(x->b, x->key);

	if (ignored(x))
		return true;
	if (!check_none_match(x, request_header(&x->q, "if-none-match"), o, sw(x, none)))
		return false;
	if (!if_match || sw(x, match) == NO)
		return true;
	if (sw(x, match) == REFUSED)
		return fail_not_implemented(x, "If-Match");
	if (!o)
		return fail_no_key(x);
	return etag_matches(if_match, o->etag) || precondition_failed(x, "If-Match");
}
