/* SPDX-License-Identifier: MIT */
#include "s3d.h"
#include "xml.h"

#include <stdlib.h>
#include <string.h>

/* The object, when this dialect has what is asked of it. */
static struct object *find(struct exchange *x, enum switch_name needed)
{
	struct object *o;

	if (sw(x, needed) != YES) {
		op_not_implemented(x);
		return NULL;
	}
	if (!find_bucket(x))
		return NULL;
	o = bucket_object(x->b, x->key);
	if (!o)
		fail_no_key(x);
	return o;
}

void op_get_tags(struct exchange *x)
{
	const struct object *o = find(x, SW_TAGGING);

	if (!o)
		return;
	xml_start(x, "Tagging");
	text_puts(&x->r.body, "<TagSet>");
	for (size_t i = 0; i < o->tags.count; i++) {
		text_puts(&x->r.body, "<Tag>");
		xml_element(x, "Key", bytes_of(o->tags.v[i].name));
		xml_element(x, "Value", bytes_of(o->tags.v[i].value));
		text_puts(&x->r.body, "</Tag>");
	}
	text_puts(&x->r.body, "</TagSet>");
	xml_end(x, "Tagging");
}

static bool read_tag_set(const struct xml *doc, struct attrs *tags)
{
	const struct xml *set = doc ? xml_child(doc, "TagSet") : NULL;

	if (!set)
		return false;
	for (size_t i = 0; i < set->count; i++) {
		const char *key = xml_value(set->children[i], "Key");
		const char *value = xml_value(set->children[i], "Value");

		if (!key || !*key || !value || attrs_get(tags, key))
			return false;
		attrs_set(tags, key, value);
	}
	return true;
}

void op_put_tags(struct exchange *x)
{
	struct object *o = find(x, SW_TAGGING);
	struct attrs tags = { NULL, 0 };
	struct xml *doc;

	if (!o)
		return;
	doc = xml_parse(x->q.body->p, x->q.body->len);
	if (!read_tag_set(doc, &tags)) {
		fail(x, 400, "MalformedXML", "The XML you provided was not well-formed");
	} else if (tags.count > 10) {
		fail(x, 400, "BadRequest", "Object tags cannot be greater than 10");
	} else {
		attrs_release(&o->tags);
		o->tags = tags;
		tags = (struct attrs){ NULL, 0 };
	}
	attrs_release(&tags);
	xml_free(doc);
}

void op_delete_tags(struct exchange *x)
{
	struct object *o = find(x, SW_TAGGING);

	if (!o)
		return;
	attrs_release(&o->tags);
	x->r.status = 204;
}

struct grant {
	const char *acl;
	const char *group;
	const char *permission;
};

static const struct grant grants[] = {
	{ "public-read", "global/AllUsers", "READ" },
	{ "public-read-write", "global/AllUsers", "READ" },
	{ "public-read-write", "global/AllUsers", "WRITE" },
	{ "authenticated-read", "global/AuthenticatedUsers", "READ" },
};

static void write_acl(struct exchange *x, const char *acl)
{
	struct text *to = &x->r.body;

	xml_start(x, "AccessControlPolicy");
	text_puts(to, "<Owner><ID>s3d</ID><DisplayName>s3d</DisplayName></Owner>"
		      "<AccessControlList><Grant>"
		      "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
		      "xsi:type=\"CanonicalUser\"><ID>s3d</ID><DisplayName>s3d</DisplayName>"
		      "</Grantee><Permission>FULL_CONTROL</Permission></Grant>");
	for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
		if (strcmp(grants[i].acl, acl) != 0)
			continue;
		text_printf(to,
			    "<Grant><Grantee "
			    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
			    "xsi:type=\"Group\"><URI>http://acs.amazonaws.com/groups/%s</URI>"
			    "</Grantee><Permission>%s</Permission></Grant>",
			    grants[i].group, grants[i].permission);
	}
	text_puts(to, "</AccessControlList>");
	xml_end(x, "AccessControlPolicy");
}

void op_get_acl(struct exchange *x)
{
	const struct object *o = find(x, SW_ACL);

	if (o)
		write_acl(x, o->acl ? o->acl : "private");
}

void op_put_acl(struct exchange *x)
{
	struct object *o = find(x, SW_ACL);

	if (!o)
		return;
	if (!request_header(&x->q, "x-amz-acl")) {
		op_not_implemented(x);
		return;
	}
	read_acl_header(x, o);
}

void op_bucket_acl(struct exchange *x)
{
	if (sw(x, SW_ACL) != YES)
		op_not_implemented(x);
	else if (find_bucket(x))
		write_acl(x, "private");
}

void op_put_bucket_acl(struct exchange *x)
{
	struct object nothing = { 0 };

	if (sw(x, SW_ACL) != YES)
		op_not_implemented(x);
	else if (find_bucket(x))
		read_acl_header(x, &nothing);
	free(nothing.acl);
}

/* Restored at once: what waits is the client's patience, which tests script. */
void op_restore(struct exchange *x)
{
	struct xml *doc = xml_parse(x->q.body->p, x->q.body->len);
	const char *days = doc ? xml_value(doc, "Days") : NULL;
	unsigned long long n;
	struct object *o;

	if (!days || !number_of(days, 36500, &n) || !n) {
		fail(x, 400, "MalformedXML", "The XML you provided was not well-formed");
	} else if ((o = find(x, SW_STORAGE_CLASS))) {
		const char *class = attrs_get(&o->attrs, "x-amz-storage-class");

		if (!class ||
		    (strcmp(class, "GLACIER") != 0 && strcmp(class, "DEEP_ARCHIVE") != 0)) {
			fail(x, 403, "InvalidObjectState",
			     "Restore is not allowed for the object's current storage class");
		} else {
			x->r.status = o->restored_until ? 200 : 202;
			o->restored_until = server_now(x->server) + (int64_t)n * 86400000;
		}
	}
	xml_free(doc);
}
