/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <string.h>

/* What of the object is asked for. */
struct slice {
	size_t from;
	size_t length;
	bool partial;
};

static bool invalid_range(struct exchange *x, size_t size)
{
	struct text elements = { NULL, 0, 0 };

	text_printf(&elements, "<ActualObjectSize>%zu</ActualObjectSize>", size);
	fail_with(x, 416, "InvalidRange", "The requested range is not satisfiable", elements.p);
	text_release(&elements);
	reply_header(&x->r, "Content-Range", "bytes */%zu", size);
	return false;
}

/* A number up to the end or the stop; false when there is none. */
static bool take_number(const char **p, unsigned long long *to)
{
	char digits[24];
	size_t n = strspn(*p, "0123456789");

	if (!n || n >= sizeof(digits))
		return false;
	memcpy(digits, *p, n);
	digits[n] = '\0';
	*p += n;
	return number_of(digits, 1ULL << 60, to);
}

/* What is no range is ignored, as HTTP has it. */
static bool parse_range(struct exchange *x, const char *p, size_t size, struct slice *s)
{
	unsigned long long from = 0, to = size ? size - 1 : 0, last;
	bool suffix;

	if (strncmp(p, "bytes=", 6) != 0 || strchr(p, ','))
		return true;
	p += 6;
	suffix = *p == '-';
	if (!suffix && !take_number(&p, &from))
		return true;
	if (*p++ != '-')
		return true;
	if (take_number(&p, &last)) {
		if (suffix)
			from = last < size ? size - last : 0;
		else if (last < from)
			return true;
		else if (last < to)
			to = last;
	} else if (suffix) {
		return true;
	}
	if (*p)
		return true;
	if (from >= size || (suffix && !last))
		return invalid_range(x, size);
	*s = (struct slice){ (size_t)from, (size_t)(to - from + 1), true };
	return true;
}

static bool find_part(struct exchange *x, const struct object *o, const char *number,
		      struct slice *s)
{
	unsigned long long n;

	if (!number_of(number, 10000, &n) || !n)
		return fail(x, 400, "InvalidArgument", "Part number must be an integer");
	if (n > (o->part_count ? o->part_count : 1))
		return fail(x, 416, "InvalidPartNumber",
			    "The requested partnumber is not "
			    "satisfiable");
	s->partial = true;
	if (!o->part_count)
		return true;
	s->from = 0;
	for (unsigned long long i = 0; i + 1 < n; i++)
		s->from += o->part_sizes[i];
	s->length = o->part_sizes[n - 1];
	reply_header(&x->r, "x-amz-mp-parts-count", "%u", o->part_count);
	return true;
}

static bool find_slice(struct exchange *x, const struct object *o, struct slice *s)
{
	const char *range = request_header(&x->q, "range");
	const char *part = request_value(&x->q, "partNumber");

	*s = (struct slice){ 0, o->data->len, false };
	if (part)
		return find_part(x, o, part, s);
	return !range || parse_range(x, range, o->data->len, s);
}

static void override_headers(struct exchange *x)
{
	static const char *const names[] = { "cache-control",    "content-disposition",
					     "content-encoding", "content-language",
					     "content-type",     "expires" };
	char name[48];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value;

		snprintf(name, sizeof(name), "response-%s", names[i]);
		value = request_value(&x->q, name);
		if (value && !strpbrk(value, "\r\n"))
			reply_header(&x->r, names[i], "%s", value);
	}
}

static void get(struct exchange *x, bool body)
{
	struct object *o;
	struct slice s;

	if (!find_bucket(x))
		return;
	o = bucket_object(x->b, x->key);
	if (!o) {
		fail_no_key(x);
		return;
	}
	if (!check_sse_c(x, o, "x-amz-server-side-encryption-customer") ||
	    !check_read_conditions(x, o) || (body && !check_archive(x, o)) || !find_slice(x, o, &s))
		return;
	reply_attrs(x, o);
	override_headers(x);
	if (s.partial && s.length) {
		x->r.status = 206;
		reply_header(&x->r, "Content-Range", "bytes %zu-%zu/%zu", s.from,
			     s.from + s.length - 1, o->data->len);
	}
	x->r.blob = blob_ref(o->data);
	x->r.from = s.from;
	x->r.length = s.length;
	x->r.no_body = !body;
}

void op_get(struct exchange *x)
{
	get(x, true);
}

void op_head(struct exchange *x)
{
	get(x, false);
}

static void reply_put(struct exchange *x, const struct object *o)
{
	reply_header(&x->r, "ETag", "\"%s\"", o->etag);
	if (o->sse_c[0])
		reply_header(&x->r, "x-amz-server-side-encryption-customer-key-MD5", "%s",
			     o->sse_c);
	reply_sums(x, o);
}

/* With FLIP_STORED the store keeps a bit other than was sent. */
static struct blob *body_to_keep(struct exchange *x)
{
	const struct fault *flip = fault_get(&x->faults, ACT_FLIP_STORED);
	struct blob *b = x->q.body;
	size_t at;

	if (!flip || !b->len)
		return blob_ref(b);
	b = blob_new(x->q.body->len);
	memcpy(b->p, x->q.body->p, b->len);
	at = (size_t)fault_number(flip, 0, 0);
	b->p[at < b->len ? at : b->len - 1] ^= 1;
	return b;
}

void op_put(struct exchange *x)
{
	struct object *o = object_new();

	if (!find_bucket(x) || !read_attrs(x, o) || !read_tags_header(x, o) ||
	    !read_acl_header(x, o) || !read_sse_c(x, o) ||
	    !check_write_conditions(x, SW_PUT_IF_MATCH, SW_PUT_IF_NONE_MATCH)) {
		object_free(o);
		return;
	}
	o->data = blob_ref(x->q.body);
	object_seal(x, o, -1);
	blob_unref(o->data);
	o->data = body_to_keep(x);
	reply_put(x, o);
	bucket_put_object(x->b, x->key, o);
}
