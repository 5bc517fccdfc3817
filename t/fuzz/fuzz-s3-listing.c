/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a document that lists objects, uploads or parts. What comes of it is what
 * was asked for and stood there; printed again it is read as the same.
 */
#include "base/bytes.h"
#include "s3-fixture.h"

static struct list_page page = LIST_PAGE_INIT, again = LIST_PAGE_INIT;
static struct part_list parts = { .arena = ARENA_INIT };
static struct upload_list uploads = { .arena = ARENA_INIT };

/* Nothing in it stands for other bytes than its own. */
static bool is_literal(struct migrate_bytes doc)
{
	return !memchr(doc.p, '\0', doc.n) && !memchr(doc.p, '&', doc.n) &&
	       !memchr(doc.p, '%', doc.n) && !memchr(doc.p, '+', doc.n) &&
	       !memchr(doc.p, '\r', doc.n) && !memchr(doc.p, '!', doc.n) &&
	       !memchr(doc.p, '?', doc.n);
}

static void stands_there(struct migrate_bytes doc, struct migrate_bytes what)
{
	ENSURE(!what.n || memmem(doc.p, doc.n, what.p, what.n));
}

static void print_time(struct text *to, int64_t ns)
{
	char compact[17];
	const char *t = compact;

	time_compact(ns / 1000000000, compact);
	text_printf(to, "<LastModified>%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%09dZ</LastModified>", t,
		    t + 4, t + 6, t + 9, t + 11, t + 13, (int)(ns % 1000000000));
}

static void print_object(struct text *to, const struct listed *l)
{
	text_str(to, "<Contents><Key>");
	s3_encode(to, l->key.p, l->key.n, true);
	text_str(to, "</Key>");
	if (l->kind == LISTED_OBJECT)
		text_printf(to, "<Size>%llu</Size>", (unsigned long long)l->object.size);
	else
		text_str(to, "<Size>0</Size><StorageClass>GLACIER</StorageClass>");
	if (l->object.etag.n) {
		text_str(to, "<ETag>&quot;");
		s3_xml_escape(to, l->object.etag.p, l->object.etag.n);
		text_str(to, "&quot;</ETag>");
	}
	if (l->object.mtime != INT64_MIN)
		print_time(to, l->object.mtime);
	text_str(to, "</Contents>");
}

static void print_page(struct text *to)
{
	text_str(to, "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>");
	text_str(to, page.done ? "false</IsTruncated>" : "true</IsTruncated>");
	if (page.cursor.n) {
		text_str(to, "<NextContinuationToken>");
		s3_xml_escape(to, page.cursor.p, page.cursor.n);
		text_str(to, "</NextContinuationToken>");
	}
	for (size_t i = 0; i < page.n; i++)
		print_object(to, page.items[i]);
	text_str(to, "</ListBucketResult>");
}

static void same_objects(void)
{
	ENSURE(page.n == again.n && page.done == again.done);
	ENSURE(bytes_equal(page.cursor, again.cursor));
	for (size_t i = 0; i < page.n; i++) {
		const struct listed *a = page.items[i], *b = again.items[i];

		ENSURE(bytes_equal(a->key, b->key) && a->kind == b->kind);
		if (a->kind == LISTED_OBJECT)
			ENSURE(a->object.size == b->object.size &&
			       a->object.mtime == b->object.mtime &&
			       bytes_equal(a->object.etag, b->object.etag));
	}
}

/* Controls stand in documents as references, which is not what is printed here. */
static bool can_be_printed(void)
{
	const int64_t last =
	    INT64_C(7200000000000000000); /* the year 2198: an offset may lead on */

	if (page.cursor.n && !s3_xml_can_say(page.cursor.p, page.cursor.n))
		return false;
	for (size_t i = 0; i < page.n; i++) {
		const struct migrate_object *o = &page.items[i]->object;

		if (o->etag.n && !s3_xml_can_say(o->etag.p, o->etag.n))
			return false;
		if (o->mtime != INT64_MIN && (o->mtime < 0 || o->mtime > last))
			return false;
	}
	return true;
}

static void list(struct migrate_bytes doc, const char *prefix, const char *after, uint32_t limit)
{
	struct migrate_list r = { .prefix = bytes_of_text(prefix),
				  .after = bytes_of_text(after),
				  .limit = limit };
	struct text printed = { .p = NULL };
	enum migrate_status status;
	size_t total = 0;

	answer(doc.p, doc.n);
	s3s->walk.pages = 0;
	status = store_list(session, &r, &page);
	said_well(status);
	if (status != MIGRATE_OK)
		return;
	ENSURE(page.n <= limit && (page.done || page.n || page.cursor.n));
	for (size_t i = 0; i < page.n; i++) {
		ENSURE(page.items[i]->object.size <= S3_SIZE_MAX);
		total += page.items[i]->key.n;
		if (is_literal(doc))
			stands_there(doc, page.items[i]->key);
	}
	ENSURE(total <= doc.n);
	if (!can_be_printed())
		return;
	print_page(&printed);
	answer(printed.p, printed.n);
	s3s->walk.pages = 0;
	ENSURE(store_list(session, &r, &again) == MIGRATE_OK);
	same_objects();
	text_release(&printed);
}

static void list_parts(struct migrate_bytes doc)
{
	struct migrate_parts r = { .key = bytes_of_text("k"), .id = bytes_of_text("u") };
	enum migrate_status status;

	answer(doc.p, doc.n);
	status = store_parts(session, &r, &parts);
	said_well(status);
	if (status != MIGRATE_OK)
		return;
	for (size_t i = 0; i < parts.n; i++) {
		ENSURE(parts.items[i]->number >= 1 && parts.items[i]->number <= S3_PARTS_MAX);
		ENSURE(!i || parts.items[i]->number > parts.items[i - 1]->number);
		ENSURE(parts.items[i]->size <= S3_SIZE_MAX);
		if (is_literal(doc))
			stands_there(doc, parts.items[i]->token);
	}
}

/* Nobody's but ours: that of which an answer told, and those of its owner since then. */
static void list_uploads(struct migrate_bytes doc)
{
	struct migrate_uploads r = { .prefix = bytes_of_text("k"), .since = 1 };
	enum migrate_status status;

	answer(doc.p, doc.n);
	status = store_uploads(session, &r, &uploads);
	said_well(status);
	if (status != MIGRATE_OK)
		return;
	ENSURE(!uploads.n || memmem(doc.p, doc.n, "k", 1) || !is_literal(doc));
	for (size_t i = 0; i < uploads.n; i++) {
		ENSURE(bytes_begin_with(uploads.items[i].key, r.prefix));
		if (is_literal(doc))
			stands_there(doc, uploads.items[i].id);
	}
}

/* So that "u" is an upload that this instance goes on with. */
static void remember_one(void)
{
	static const char empty[] = "<ListPartsResult/>";
	struct migrate_parts r = { .key = bytes_of_text("k"), .id = bytes_of_text("u") };

	answer(empty, sizeof(empty) - 1);
	ENSURE(store_parts(session, &r, &parts) == MIGRATE_OK);
	if (!s3_is_mine(&s3, "u", 1))
		s3_remember_upload(&s3, bytes_of_text("u"));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct migrate_bytes doc = bytes_of(n ? (const void *)bytes : "", n);

	set_up();
	remember_one();
	list(doc, "", "", 1000);
	list(doc, "a/", "a/b", 2);
	list_parts(doc);
	list_uploads(doc);
	return 0;
}
