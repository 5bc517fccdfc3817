/* SPDX-License-Identifier: MIT */
#include "s3d.h"
#include "xml.h"

#include <string.h>

void op_delete(struct exchange *x)
{
	const char *match = request_header(&x->q, "if-match");
	const struct object *o;

	if (!find_bucket(x))
		return;
	o = bucket_object(x->b, x->key);
	if (match && sw(x, SW_DELETE_IF) == REFUSED) {
		fail_not_implemented(x, "If-Match");
		return;
	}
	if (match && sw(x, SW_DELETE_IF) == YES && !fault_get(&x->faults, ACT_IGNORE_CONDITIONS)) {
		if (!o) {
			fail_no_key(x);
			return;
		}
		if (!etag_matches(match, o->etag)) {
			fail(x, 412, "PreconditionFailed",
			     "At least one of the pre-conditions you specified did not hold");
			return;
		}
	}
	bucket_drop_object(x->b, x->key);
	x->r.status = 204;
}

static void delete_error(struct exchange *x, struct bytes key, const char *code,
			 const char *message)
{
	text_puts(&x->r.body, "<Error>");
	xml_element(x, "Key", key);
	text_printf(&x->r.body, "<Code>%s</Code><Message>%s</Message></Error>", code, message);
}

static void delete_one(struct exchange *x, const struct xml *object, bool quiet)
{
	const struct xml *name = xml_child(object, "Key");
	const char *etag = xml_value(object, "ETag");
	struct bytes key = { text_get(&name->text), name->text.len };
	const struct fault *refused = fault_get(&x->faults, ACT_DELETE_ERROR);
	const struct object *o = bucket_object(x->b, key);

	if (refused && glob_match(bytes_of(refused->args[1]), key)) {
		delete_error(x, key, refused->args[0], "We encountered an internal error.");
		return;
	}
	if (etag && sw(x, SW_DELETE_IF) == YES && (!o || !etag_matches(etag, o->etag))) {
		delete_error(x, key, "PreconditionFailed", "The pre-condition did not hold");
		return;
	}
	bucket_drop_object(x->b, key);
	if (quiet)
		return;
	text_puts(&x->r.body, "<Deleted>");
	xml_element(x, "Key", key);
	text_puts(&x->r.body, "</Deleted>");
}

static bool is_delete_document(const struct xml *doc)
{
	size_t objects = 0;

	if (!doc || strcmp(doc->name, "Delete") != 0)
		return false;
	for (size_t i = 0; i < doc->count; i++) {
		const struct xml *child = doc->children[i];

		if (strcmp(child->name, "Object") != 0)
			continue;
		if (!xml_child(child, "Key") || !xml_child(child, "Key")->text.len)
			return false;
		objects++;
	}
	return objects && objects <= 1000;
}

static bool check_digest_sent(struct exchange *x)
{
	const char *value;
	int kind;

	if (sw(x, SW_DELETE_MD5) != YES || request_header(&x->q, "content-md5") ||
	    declared_sum(x, &kind, &value))
		return true;
	return fail(x, 400, "InvalidRequest",
		    "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

void op_delete_many(struct exchange *x)
{
	const char *quiet;
	struct xml *doc;

	if (sw(x, SW_DELETE_OBJECTS) != YES) {
		fail_not_implemented(x, "delete");
		return;
	}
	if (!find_bucket(x) || !check_digest_sent(x))
		return;
	doc = xml_parse(x->q.body->p, x->q.body->len);
	if (!is_delete_document(doc)) {
		fail(x, 400, "MalformedXML",
		     "The XML you provided was not well-formed or did not validate against our "
		     "published schema");
		xml_free(doc);
		return;
	}
	quiet = xml_value(doc, "Quiet");
	xml_start(x, "DeleteResult");
	for (size_t i = 0; i < doc->count; i++) {
		if (!strcmp(doc->children[i]->name, "Object"))
			delete_one(x, doc->children[i], quiet && !strcmp(quiet, "true"));
	}
	xml_end(x, "DeleteResult");
	xml_free(doc);
}
