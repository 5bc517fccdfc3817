/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

/* One page of a listing. */
struct page {
	struct exchange *x;
	bool v2;
	bool url; /* names are percent-encoded */
	bool owner;
	bool unsayable; /* a key has characters that XML does not have */
	struct bytes prefix, delimiter;
	struct text marker; /* names up to this one were listed before */
	unsigned long long max;
	struct text contents, prefixes;
	struct text last; /* what was listed last */
	unsigned long long count;
	bool truncated;
	unsigned times; /* each key is listed that often (a fault) */
};

static const char token_mark[] = "s3d1:";

static void put_name(const struct page *p, struct text *to, struct bytes name)
{
	struct text url = { NULL, 0, 0 };

	if (!p->url) {
		text_xml(to, name);
		return;
	}
	text_url(&url, name, sw(p->x, SW_SPACE_PLUS) == YES ? "/* " : "/");
	for (size_t i = 0; i < url.len; i++)
		text_add(to, url.p[i] == ' ' ? "+" : &url.p[i], 1);
	text_release(&url);
}

static void put_named(const struct page *p, struct text *to, const char *element, struct bytes name)
{
	text_printf(to, "<%s>", element);
	put_name(p, to, name);
	text_printf(to, "</%s>", element);
}

static bool take_token(struct page *p, const char *token)
{
	unsigned char raw[2048];
	const char *tilde = strchr(token, '~'); /* before it: a number that tells two apart */
	int n = base64_decode(tilde ? tilde + 1 : token, raw, sizeof(raw));
	size_t mark = strlen(token_mark);

	if (n < (int)mark || memcmp(raw, token_mark, mark) != 0)
		return fail(p->x, 400, "InvalidArgument",
			    "The continuation token provided is incorrect");
	text_reset(&p->marker);
	text_add(&p->marker, raw + mark, (size_t)n - mark);
	return true;
}

static struct bytes value_of(const struct exchange *x, const char *name)
{
	const struct param *p = request_param(&x->q, name);

	return p ? p->value : (struct bytes){ "", 0 };
}

static bool read_query(struct page *p)
{
	struct exchange *x = p->x;
	const char *max = request_value(&x->q, "max-keys");
	const char *encoding = request_value(&x->q, "encoding-type");
	const char *owner = request_value(&x->q, "fetch-owner");
	const char *token = p->v2 ? request_value(&x->q, "continuation-token") : NULL;

	p->prefix = value_of(x, "prefix");
	p->delimiter = value_of(x, "delimiter");
	text_put_bytes(&p->marker, value_of(x, p->v2 ? "start-after" : "marker"));
	p->owner = !p->v2 || (owner && !strcmp(owner, "true"));
	p->max = (unsigned long long)sw(x, SW_MAX_KEYS);
	p->times = 1;
	if (encoding && strcmp(encoding, "url") != 0)
		return fail(x, 400, "InvalidArgument",
			    "Invalid Encoding Method specified in Request");
	p->url = encoding && sw(x, SW_ENCODING_URL) == YES;
	if (max) {
		unsigned long long n;

		if (!number_of(max, 2147483647, &n))
			return fail(x, 400, "InvalidArgument",
				    "Provided max-keys not an integer or within integer range");
		p->max = n < p->max ? n : p->max;
	}
	return !token || take_token(p, token);
}

/* Only for those who ask for it, as AWS does. */
static void put_restore(const struct page *p, struct text *to, const struct object *o)
{
	const char *asked = request_header(&p->x->q, "x-amz-optional-object-attributes");

	if (!o->restored_until || !asked || !strstr(asked, "RestoreStatus"))
		return;
	text_puts(to, "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>");
	put_date(to, "RestoreExpiryDate", o->restored_until);
	text_puts(to, "</RestoreStatus>");
}

static void put_object(struct page *p, struct bytes key, const struct object *o)
{
	const char *class = attrs_get(&o->attrs, "x-amz-storage-class");
	struct text *to = &p->contents;

	for (size_t i = 0; !p->url && i < key.len; i++)
		p->unsayable |= (unsigned char)key.p[i] < ' ' && !strchr("\t\n\r", key.p[i]);

	text_puts(to, "<Contents>");
	put_named(p, to, "Key", key);
	put_date(to, "LastModified", o->changed);
	text_printf(to, "<ETag>&quot;%s&quot;</ETag>", o->etag);
	text_printf(to, "<Size>%zu</Size>", o->data->len);
	if (p->owner)
		text_puts(to, "<Owner><ID>s3d</ID><DisplayName>s3d</DisplayName></Owner>");
	text_printf(to, "<StorageClass>%s</StorageClass>", class ? class : "STANDARD");
	put_restore(p, to, o);
	text_puts(to, "</Contents>");
}

/* The part of key up to the delimiter after the prefix; empty when there is none. */
static struct bytes common_prefix(const struct page *p, struct bytes key)
{
	const char *at, *start = key.p + p->prefix.len;
	size_t n = key.len - p->prefix.len;

	if (!p->delimiter.len)
		return (struct bytes){ NULL, 0 };
	at = memmem(start, n, p->delimiter.p, p->delimiter.len);
	if (!at)
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ key.p, (size_t)(at - key.p) + p->delimiter.len };
}

/* The first node behind all keys that start with prefix. */
static struct skip_node *seek_behind(struct skip *s, struct bytes prefix)
{
	char *next = must_dup(prefix.p, prefix.len);
	size_t n = prefix.len;
	struct skip_node *node = NULL;

	while (n && (unsigned char)next[n - 1] == 255)
		n--;
	if (n) {
		next[n - 1] = (char)((unsigned char)next[n - 1] + 1);
		node = skip_seek(s, (struct bytes){ next, n }, false);
	}
	free(next);
	return node;
}

static void note_last(struct page *p, struct bytes name)
{
	text_reset(&p->last);
	text_put_bytes(&p->last, name);
	p->count++;
}

/* Lists the node or its common prefix; returns the node to go on with. */
static struct skip_node *list_node(struct page *p, struct skip *s, struct skip_node *node)
{
	struct bytes group = common_prefix(p, node->key);
	struct bytes marker = { text_get(&p->marker), p->marker.len };

	if (!group.len) {
		for (unsigned i = 0; i < p->times; i++)
			put_object(p, node->key, node->value);
		note_last(p, node->key);
		return node->next[0];
	}
	if (bytes_compare(group, marker) > 0) {
		text_puts(&p->prefixes, "<CommonPrefixes>");
		put_named(p, &p->prefixes, "Prefix", group);
		text_puts(&p->prefixes, "</CommonPrefixes>");
		note_last(p, group);
	}
	return seek_behind(s, group);
}

static struct skip_node *list_start(const struct page *p, struct skip *s)
{
	struct bytes marker = { text_get(&p->marker), p->marker.len };

	if (bytes_compare(marker, p->prefix) >= 0 && marker.len)
		return skip_seek(s, marker, true);
	return skip_seek(s, p->prefix, false);
}

static void list_keys(struct page *p)
{
	struct skip *s = &p->x->b->objects;
	struct skip_node *node = list_start(p, s);

	while (p->max && node && bytes_start(node->key, p->prefix)) {
		struct bytes group = common_prefix(p, node->key);
		struct bytes marker = { text_get(&p->marker), p->marker.len };
		bool listed = group.len && bytes_compare(group, marker) <= 0;

		if (p->count == p->max && !listed) {
			p->truncated = true;
			return;
		}
		node = list_node(p, s, node);
	}
}

/* Faults of whole pages; what they do to the list, before it is made. */
static void page_faults_before(struct page *p)
{
	const struct fault *f = fault_get(&p->x->faults, ACT_PAGE);

	if (!f)
		return;
	if (!strcmp(f->args[0], "lose")) {
		list_keys(p);
		text_reset(&p->contents);
		text_reset(&p->prefixes);
		text_reset(&p->marker);
		text_add(&p->marker, text_get(&p->last), p->last.len);
		p->count = 0;
		p->truncated = false;
	} else if (!strcmp(f->args[0], "double")) {
		p->times = 2;
	} else if (!strcmp(f->args[0], "over")) {
		p->max += 500;
	}
}

/* Turns the order of the entries round. */
static void reverse_contents(struct page *p)
{
	static const char start[] = "<Contents>";
	struct text to = { NULL, 0, 0 };
	size_t end = p->contents.len;

	while (end) {
		size_t at = end;

		while (at-- && memcmp(p->contents.p + at, start, sizeof(start) - 1) != 0)
			;
		text_add(&to, p->contents.p + at, end - at);
		end = at;
	}
	text_release(&p->contents);
	p->contents = to;
}

static void page_faults_after(struct page *p)
{
	const struct fault *f = fault_get(&p->x->faults, ACT_PAGE);

	if (!f)
		return;
	if (!strcmp(f->args[0], "reverse")) {
		reverse_contents(p);
	} else if (!strcmp(f->args[0], "empty") || !strcmp(f->args[0], "repeat")) {
		/* The next page starts where this one did. */
		if (f->args[0][0] == 'e') {
			text_reset(&p->contents);
			text_reset(&p->prefixes);
			p->count = 0;
		}
		text_reset(&p->last);
		text_add(&p->last, text_get(&p->marker), p->marker.len);
		p->truncated = true;
	} else if (!strcmp(f->args[0], "end")) {
		p->truncated = false;
	} else if (!strcmp(f->args[0], "count")) {
		p->count += 7;
	}
}

static void put_token(struct page *p)
{
	const struct fault *f = fault_get(&p->x->faults, ACT_TOKEN);
	const char *how = f ? f->args[0] : "";
	struct text raw = { NULL, 0, 0 }, *to = &p->x->r.body;
	const char *same = request_value(&p->x->q, "continuation-token");

	if (!strcmp(how, "none"))
		return;
	text_puts(to, "<NextContinuationToken>");
	text_puts(&raw, strcmp(how, "wrong") != 0 ? token_mark : "wrong:");
	text_add(&raw, text_get(&p->last), p->last.len);
	if (!strcmp(how, "same") && same)
		text_xml(to, bytes_of(same));
	else if (!strcmp(how, "circle"))
		text_printf(to, "%lu~", p->x->number % 2);
	else if (!strcmp(how, "new"))
		text_printf(to, "%lu~", p->x->number);
	if (strcmp(how, "empty") != 0 && (strcmp(how, "same") != 0 || !same))
		text_base64(to, raw.p, raw.len);
	text_puts(to, "</NextContinuationToken>");
	text_release(&raw);
}

/* What is no key of an entry is left as it is by some. */
static void put_echoed(struct page *p, const char *name, struct bytes value)
{
	if (sw(p->x, SW_MARKER_RAW) == YES)
		xml_element(p->x, name, value);
	else
		put_named(p, &p->x->r.body, name, value);
}

static void put_next_marker(struct page *p)
{
	const struct fault *f = fault_get(&p->x->faults, ACT_TOKEN);
	struct bytes last = { text_get(&p->last), p->last.len };

	if (f && !strcmp(f->args[0], "none"))
		return;
	if (f && !strcmp(f->args[0], "same"))
		last = (struct bytes){ text_get(&p->marker), p->marker.len };
	if (!p->delimiter.len && sw(p->x, SW_NEXT_MARKER) != YES && !f)
		return;
	put_echoed(p, "NextMarker", last);
}

static void write_page(struct page *p)
{
	struct exchange *x = p->x;
	struct text *to = &x->r.body;

	xml_start(x, "ListBucketResult");
	xml_element(x, "Name", bytes_of(x->bucket));
	put_echoed(p, "Prefix", p->prefix);
	if (p->v2) {
		if (request_param(&x->q, "start-after"))
			put_echoed(p, "StartAfter", value_of(x, "start-after"));
		if (request_param(&x->q, "continuation-token"))
			xml_element(x, "ContinuationToken", value_of(x, "continuation-token"));
		if (p->truncated)
			put_token(p);
		text_printf(to, "<KeyCount>%llu</KeyCount>", p->count);
	} else {
		put_echoed(p, "Marker", value_of(x, "marker"));
		if (p->truncated)
			put_next_marker(p);
	}
	text_printf(to, "<MaxKeys>%llu</MaxKeys>", p->max);
	if (p->delimiter.len)
		put_named(p, to, "Delimiter", p->delimiter);
	if (p->url)
		text_puts(to, "<EncodingType>url</EncodingType>");
	text_printf(to, "<IsTruncated>%s</IsTruncated>", p->truncated ? "true" : "false");
	text_add(to, text_get(&p->contents), p->contents.len);
	text_add(to, text_get(&p->prefixes), p->prefixes.len);
	xml_end(x, "ListBucketResult");
}

static void list(struct exchange *x, bool v2)
{
	struct page p = { .x = x, .v2 = v2 };

	if (find_bucket(x) && read_query(&p)) {
		page_faults_before(&p);
		list_keys(&p);
		page_faults_after(&p);
		if (p.unsayable && sw(x, SW_CONTROL_XML) != YES)
			fail(x, 500, "InternalError", "We encountered an internal error");
		else
			write_page(&p);
	}
	text_release(&p.marker);
	text_release(&p.contents);
	text_release(&p.prefixes);
	text_release(&p.last);
}

void op_list_v1(struct exchange *x)
{
	list(x, false);
}

void op_list_v2(struct exchange *x)
{
	if (sw(x, SW_LIST_V2) == REFUSED)
		op_not_implemented(x);
	else
		list(x, sw(x, SW_LIST_V2) == YES);
}
