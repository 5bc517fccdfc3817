/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <string.h>

static bool read_max(struct exchange *x, const char *name, unsigned long long *to)
{
	const char *value = request_value(&x->q, name);

	*to = 1000;
	if (!value)
		return true;
	if (!number_of(value, 2147483647, to))
		return fail(x, 400, "InvalidArgument", "The maximum is no number");
	if (*to > 1000)
		*to = 1000;
	return true;
}

static void put_part(struct exchange *x, unsigned number, const struct part *p)
{
	text_printf(&x->r.body, "<Part><PartNumber>%u</PartNumber>", number);
	xml_date(x, "LastModified", p->changed);
	text_printf(&x->r.body, "<ETag>&quot;%s&quot;</ETag><Size>%zu</Size>", p->etag,
		    p->data->len);
	text_puts(&x->r.body, "</Part>");
}

void op_list_parts(struct exchange *x)
{
	const char *id = request_value(&x->q, "uploadId");
	const char *marker = request_value(&x->q, "part-number-marker");
	unsigned long long max, from = 0, count = 0, last;
	struct upload *u;
	bool more = false;

	if (!find_bucket(x) || !read_max(x, "max-parts", &max))
		return;
	u = bucket_upload(x->b, x->key, id);
	if (!u) {
		fail(x, 404, "NoSuchUpload", "The specified upload does not exist.");
		return;
	}
	if (marker && !number_of(marker, 10000, &from)) {
		fail(x, 400, "InvalidArgument", "part-number-marker is no number");
		return;
	}
	last = from;
	xml_start(x, "ListPartsResult");
	xml_element(x, "Bucket", bytes_of(x->bucket));
	xml_element(x, "Key", x->key);
	xml_element(x, "UploadId", bytes_of(u->id));
	text_printf(&x->r.body, "<PartNumberMarker>%llu</PartNumberMarker>", from);
	for (unsigned i = (unsigned)from; i < u->part_slots && !more; i++) {
		if (!u->parts[i])
			continue;
		more = count == max;
		if (more)
			break;
		put_part(x, i + 1, u->parts[i]);
		last = i + 1;
		count++;
	}
	text_printf(&x->r.body,
		    "<NextPartNumberMarker>%llu</NextPartNumberMarker><MaxParts>%llu</MaxParts>"
		    "<IsTruncated>%s</IsTruncated><StorageClass>STANDARD</StorageClass>",
		    last, max, more ? "true" : "false");
	xml_end(x, "ListPartsResult");
}

static void put_name(struct exchange *x, const char *element, struct bytes name, bool url)
{
	text_printf(&x->r.body, "<%s>", element);
	if (url)
		text_url(&x->r.body, name, "/");
	else
		text_xml(&x->r.body, name);
	text_printf(&x->r.body, "</%s>", element);
}

static struct bytes value_of(const struct exchange *x, const char *name)
{
	const struct param *p = request_param(&x->q, name);

	return p ? p->value : (struct bytes){ "", 0 };
}

static void put_upload(struct exchange *x, const struct upload *u, bool url)
{
	text_puts(&x->r.body, "<Upload>");
	put_name(x, "Key", (struct bytes){ u->key, u->key_len }, url);
	xml_element(x, "UploadId", bytes_of(u->id));
	text_puts(&x->r.body, "<Initiator><ID>s3d</ID></Initiator><Owner><ID>s3d</ID></Owner>"
			      "<StorageClass>STANDARD</StorageClass>");
	xml_date(x, "Initiated", u->started);
	text_puts(&x->r.body, "</Upload>");
}

/* The first upload behind the markers. */
static struct skip_node *first_upload(struct exchange *x)
{
	struct bytes key = value_of(x, "key-marker"), id = value_of(x, "upload-id-marker");
	struct text after = { NULL, 0, 0 };
	struct skip_node *node;

	if (!key.len)
		return x->b->uploads.first[0];
	text_put_bytes(&after, key);
	/* Without an upload's id: behind all uploads of that key. */
	text_add(&after, id.len ? "\0" : "\1", 1);
	text_put_bytes(&after, id);
	node = skip_seek(&x->b->uploads, (struct bytes){ after.p, after.len }, true);
	text_release(&after);
	return node;
}

static void put_next(struct exchange *x, const struct upload *last, bool url)
{
	put_name(x, "NextKeyMarker", (struct bytes){ last->key, last->key_len }, url);
	xml_element(x, "NextUploadIdMarker", bytes_of(last->id));
}

void op_list_uploads(struct exchange *x)
{
	const char *encoding = request_value(&x->q, "encoding-type");
	struct bytes prefix = value_of(x, "prefix");
	bool url = encoding && !strcmp(encoding, "url") && sw(x, SW_ENCODING_URL) == YES;
	unsigned long long max, count = 0;
	const struct upload *last = NULL;
	bool more = false;

	if (!find_bucket(x) || !read_max(x, "max-uploads", &max))
		return;
	xml_start(x, "ListMultipartUploadsResult");
	xml_element(x, "Bucket", bytes_of(x->bucket));
	put_name(x, "KeyMarker", value_of(x, "key-marker"), url);
	put_name(x, "Prefix", prefix, url);
	for (struct skip_node *n = first_upload(x); n; n = n->next[0]) {
		const struct upload *u = n->value;

		if (!bytes_start((struct bytes){ u->key, u->key_len }, prefix))
			continue;
		more = count == max;
		if (more)
			break;
		put_upload(x, u, url);
		last = u;
		count++;
	}
	if (more && last)
		put_next(x, last, url);
	if (url)
		text_puts(&x->r.body, "<EncodingType>url</EncodingType>");
	text_printf(&x->r.body, "<MaxUploads>%llu</MaxUploads><IsTruncated>%s</IsTruncated>", max,
		    more ? "true" : "false");
	xml_end(x, "ListMultipartUploadsResult");
}
