/* SPDX-License-Identifier: MIT */
#include "s3d.h"
#include "xml.h"

#include <ctype.h>
#include <string.h>

static bool is_bucket_name(const char *s)
{
	size_t n = strlen(s);

	if (n < 3 || n > 63 || !isalnum((unsigned char)s[0]) || !isalnum((unsigned char)s[n - 1]))
		return false;
	for (; *s; s++) {
		if (!islower((unsigned char)*s) && !isdigit((unsigned char)*s) && *s != '-' &&
		    *s != '.')
			return false;
	}
	return true;
}

static bool malformed_xml(struct exchange *x)
{
	return fail(x, 400, "MalformedXML",
		    "The XML you provided was not well-formed or did not validate against our "
		    "published schema");
}

void op_list_buckets(struct exchange *x)
{
	struct skip *buckets = &x->server->store.buckets;

	xml_start(x, "ListAllMyBucketsResult");
	text_puts(&x->r.body, "<Owner><ID>s3d</ID><DisplayName>s3d</DisplayName></Owner><Buckets>");
	for (struct skip_node *n = buckets->first[0]; n; n = n->next[0]) {
		const struct bucket *b = n->value;

		text_puts(&x->r.body, "<Bucket>");
		xml_element(x, "Name", bytes_of(b->name));
		xml_date(x, "CreationDate", b->created);
		text_puts(&x->r.body, "</Bucket>");
	}
	text_puts(&x->r.body, "</Buckets>");
	xml_end(x, "ListAllMyBucketsResult");
}

/* The region that a CreateBucketConfiguration asks for; NULL when it was answered. */
static const char *read_constraint(struct exchange *x, struct xml **doc)
{
	const struct config *config = &x->server->config;
	const char *ours = config->regions[x->region], *constraint;

	*doc = NULL;
	if (!x->q.body->len)
		constraint = "us-east-1";
	else if (!(*doc = xml_parse(x->q.body->p, x->q.body->len)))
		return malformed_xml(x) ? NULL : NULL;
	else
		constraint = xml_value(*doc, "LocationConstraint");
	if (!constraint)
		constraint = "us-east-1";
	if (sw(x, SW_REGION) != YES)
		return ours;
	for (unsigned i = 0; i < config->region_count; i++) {
		if (!strcmp(config->regions[i], constraint))
			return config->regions[i];
	}
	/* As the only region it needs no name: every test would have to give it. */
	if (!*doc)
		return ours;
	fail(x, 400, "InvalidLocationConstraint", "The specified location-constraint is not valid");
	return NULL;
}

void op_create_bucket(struct exchange *x)
{
	const char *ownership = request_header(&x->q, "x-amz-object-ownership");
	struct store *store = &x->server->store;
	struct bucket *b = store_bucket(store, x->bucket);
	const char *region;
	struct xml *doc;

	if (!is_bucket_name(x->bucket)) {
		fail(x, 400, "InvalidBucketName", "The specified bucket is not valid.");
		return;
	}
	region = read_constraint(x, &doc);
	if (region && b && strcmp(region, "us-east-1") != 0) {
		fail(x, 409, "BucketAlreadyOwnedByYou",
		     "Your previous request to create the named bucket succeeded and you already "
		     "own it.");
	} else if (region && !b) {
		b = store_add_bucket(store, x->bucket, region, server_now(x->server));
		b->owner_enforced = sw(x, SW_OWNER_ENFORCED) == YES;
		if (ownership)
			b->owner_enforced = !strcmp(ownership, "BucketOwnerEnforced");
	}
	if (!x->r.code[0])
		reply_header(&x->r, "Location", "/%s", x->bucket);
	xml_free(doc);
}

void op_head_bucket(struct exchange *x)
{
	if (find_bucket(x))
		reply_header(&x->r, "x-amz-bucket-region", "%s", x->b->region);
}

void op_delete_bucket(struct exchange *x)
{
	if (!find_bucket(x))
		return;
	if (x->b->objects.count) {
		fail(x, 409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
		return;
	}
	store_drop_bucket(&x->server->store, x->bucket);
	x->b = NULL;
	x->r.status = 204;
}

void op_get_location(struct exchange *x)
{
	if (!find_bucket(x))
		return;
	xml_start(x, "LocationConstraint");
	if (strcmp(x->b->region, "us-east-1") != 0)
		text_xml(&x->r.body, bytes_of(x->b->region));
	xml_end(x, "LocationConstraint");
}

void op_get_versioning(struct exchange *x)
{
	if (!find_bucket(x))
		return;
	xml_start(x, "VersioningConfiguration");
	xml_end(x, "VersioningConfiguration");
}

void op_get_payment(struct exchange *x)
{
	if (!find_bucket(x))
		return;
	xml_start(x, "RequestPaymentConfiguration");
	xml_element(x, "Payer", bytes_of(x->b->requester_pays ? "Requester" : "BucketOwner"));
	xml_end(x, "RequestPaymentConfiguration");
}

void op_put_payment(struct exchange *x)
{
	struct xml *doc = xml_parse(x->q.body->p, x->q.body->len);
	const char *payer = doc ? xml_value(doc, "Payer") : NULL;

	if (!payer || (strcmp(payer, "Requester") != 0 && strcmp(payer, "BucketOwner") != 0))
		malformed_xml(x);
	else if (find_bucket(x))
		x->b->requester_pays = !strcmp(payer, "Requester");
	xml_free(doc);
}

void op_get_ownership(struct exchange *x)
{
	if (!find_bucket(x))
		return;
	xml_start(x, "OwnershipControls");
	text_puts(&x->r.body, "<Rule>");
	xml_element(x, "ObjectOwnership",
		    bytes_of(x->b->owner_enforced ? "BucketOwnerEnforced" : "ObjectWriter"));
	text_puts(&x->r.body, "</Rule>");
	xml_end(x, "OwnershipControls");
}

void op_put_ownership(struct exchange *x)
{
	struct xml *doc = xml_parse(x->q.body->p, x->q.body->len);
	const struct xml *rule = doc ? xml_child(doc, "Rule") : NULL;
	const char *ownership = rule ? xml_value(rule, "ObjectOwnership") : NULL;

	if (!ownership)
		malformed_xml(x);
	else if (find_bucket(x))
		x->b->owner_enforced = !strcmp(ownership, "BucketOwnerEnforced");
	xml_free(doc);
}
