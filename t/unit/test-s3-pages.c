/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "plugin/end-impl.h"
#include "s3-help.h"

#include <stdio.h>

/* What is taken out of pages of listings, and of heads, below the core's own calls. */

static struct s3 s3;
static struct s3_session s3s;
static struct host host;
static struct end *end;
static struct migrate_session *session;

static enum migrate_status list(void *self, struct migrate_list *r)
{
	return s3_take_listing(self, r);
}

static enum migrate_status uploads(void *self, struct migrate_uploads *r)
{
	return s3_take_uploads(self, r);
}

static enum migrate_status parts(void *self, struct migrate_parts *r)
{
	return s3_take_parts(self, r);
}

static enum migrate_status look(void *self, struct migrate_stat *r)
{
	return s3_take_head(self, r->object);
}

static enum migrate_status open_it(struct migrate_open *r)
{
	r->instance = &s3;
	return MIGRATE_OK;
}

static enum migrate_status begin(struct migrate_begin *r)
{
	r->self = &s3s;
	s3s.ms = r->session;
	return MIGRATE_OK;
}

static void nothing(void *self)
{
	(void)self;
}

static const struct migrate_store_ops ops = {
	.size = sizeof(ops),
	.open = open_it,
	.close = nothing,
	.begin = begin,
	.end = nothing,
	.list = list,
	.uploads = uploads,
	.parts = parts,
	.stat = look,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD, .kind = MIGRATE_STORE, .name = "s3",
	.version = "1",      .summary = "s3",       .store = &ops,
};

static void set_up(void)
{
	struct error err = ERROR_INIT;

	s3 = (struct s3){ .dialect = s3_dialect_of(1, "") };
	s3s = (struct s3_session){ .s3 = &s3 };
	pthread_mutex_init(&s3.lock, NULL);
	ck_assert_int_eq(host_init(&host, "0123456789abcdef", 1000, &err), 0);
	end = end_open(&host, "source", &plugin, NULL, false, &err);
	ck_assert_ptr_nonnull(end);
	session = session_open(end, &err);
	ck_assert_ptr_nonnull(session);
	atomic_store(&end->flags, MIGRATE_ORDERED);
}

static void tear_down(void)
{
	session_close(session);
	end_close(end);
	host_release(&host);
	s3_mine_free(&s3);
	text_release(&s3s.answer.head);
	text_release(&s3s.answer.body);
}

static void answer(const char *text)
{
	text_reset(&s3s.answer.body);
	ck_assert(text_str(&s3s.answer.body, text));
}

static enum migrate_status list_page(const char *cursor, struct list_page *page)
{
	struct migrate_list r = { .limit = 1000, .cursor = bytes_of_text(cursor) };

	return store_list(session, &r, page);
}

static void says(const char *text)
{
	ck_assert_msg(strstr(session_message(session), text), "'%s' does not say '%s'",
		      session_message(session), text);
}

/* ---- Listings ---- */

static enum migrate_status empty_page(unsigned int token)
{
	struct list_page page = LIST_PAGE_INIT;
	enum migrate_status status;
	char text[256];

	snprintf(text, sizeof(text),
		 "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t%u"
		 "</NextContinuationToken></ListBucketResult>",
		 token);
	answer(text);
	status = list_page("before", &page);
	list_page_release(&page);
	return status;
}

START_TEST(pages_without_keys_have_an_end)
{
	unsigned int i = 0;

	while (i < 200000 && empty_page(i) == MIGRATE_OK)
		i++;
	ck_assert_uint_eq(i, S3_EMPTY_PAGES);
	says("without end");
}
END_TEST

/* Behind a way that leads into it, of any length. */
START_TEST(circles_of_tokens_are_seen)
{
	unsigned int way = _i == 0 ? 0 : 37, round = _i < 2 ? 2 : 300, i = 0;

	while (i < 5000 && empty_page(i < way ? i : way + (i - way) % round) == MIGRATE_OK)
		i++;
	ck_assert_uint_ge(i, way + round);
	ck_assert_uint_le(i, 2048);
	says("round in a circle");
}
END_TEST

START_TEST(a_page_with_keys_begins_the_count_anew)
{
	struct list_page page = LIST_PAGE_INIT;

	ck_assert_int_eq(empty_page(1), MIGRATE_OK);
	ck_assert_int_eq(empty_page(2), MIGRATE_OK);
	answer("<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>k</Key><Size>1"
	       "</Size></Contents></ListBucketResult>");
	ck_assert_int_eq(list_page("t2", &page), MIGRATE_OK);
	ck_assert_uint_eq(page.n, 1);
	ck_assert_int_eq(empty_page(2), MIGRATE_OK);
	list_page_release(&page);
}
END_TEST

START_TEST(an_etag_that_does_not_fit_is_none)
{
	struct list_page page = LIST_PAGE_INIT;
	struct text t = { .p = NULL };

	text_str(&t, "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key>"
		     "<Size>1</Size><ETag>");
	for (int i = 0; i < 300; i++)
		text_char(&t, 'e');
	text_str(&t, "</ETag></Contents></ListBucketResult>");
	answer(t.p);
	ck_assert_int_eq(list_page("", &page), MIGRATE_OK);
	ck_assert_uint_eq(page.n, 1);
	ck_assert_uint_eq(page.items[0]->object.etag.n, 0);
	list_page_release(&page);
	text_release(&t);
}
END_TEST

/* ---- Parts and uploads ---- */

static enum migrate_status parts_of(const char *inside, size_t *n)
{
	struct part_list list = { .arena = ARENA_INIT };
	struct migrate_parts r = { .key = bytes_of_text("k"), .id = bytes_of_text("u") };
	struct text t = { .p = NULL };
	enum migrate_status status;

	text_str(&t, "<ListPartsResult>");
	text_str(&t, inside);
	text_str(&t, "</ListPartsResult>");
	answer(t.p);
	status = store_parts(session, &r, &list);
	*n = list.n;
	part_list_release(&list);
	text_release(&t);
	return status;
}

#define PART(n_) "<Part><PartNumber>" n_ "</PartNumber><ETag>e</ETag><Size>5</Size></Part>"

START_TEST(parts_come_once_and_have_a_number)
{
	static const char *const wrong[] = {
		PART("1") PART("1"),
		PART("2") PART("1") PART("2"),
		PART("0"),
		PART("10001"),
		PART("18446744073709551617"),
		PART(""),
		"<Part><ETag>e</ETag><Size>5</Size></Part>",
		PART("1") "<Part><ETag>e</ETag><Size>5</Size></Part>",
		"<Part><PartNumber>1</PartNumber><Size>18446744073709551615</Size></Part>",
		"<NextPartNumberMarker>10001</NextPartNumberMarker>",
	};
	size_t n;

	ck_assert_int_eq(parts_of(PART("2") PART("1") PART("10000"), &n), MIGRATE_OK);
	ck_assert_uint_eq(n, 3);
	for (size_t i = 0; i < COUNT(wrong); i++)
		ck_assert_msg(parts_of(wrong[i], &n) == MIGRATE_TRANSIENT, "%s", wrong[i]);
}
END_TEST

static size_t uploads_of(const char *inside)
{
	struct upload_list list = { .arena = ARENA_INIT };
	struct migrate_uploads r = { .prefix = bytes_of_text("k"), .since = 1 };
	struct text t = { .p = NULL };
	size_t n;

	text_str(&t, "<ListMultipartUploadsResult>");
	text_str(&t, inside);
	text_str(&t, "</ListMultipartUploadsResult>");
	answer(t.p);
	ck_assert_int_eq(store_uploads(session, &r, &list), MIGRATE_OK);
	n = list.n;
	upload_list_release(&list);
	text_release(&t);
	return n;
}

#define UPLOAD(id_)                                                                                \
	"<Upload><Key>k</Key><UploadId>" id_                                                       \
	"</UploadId><Initiated>2015-10-21T07:28:00Z</Initiated></Upload>"

/* Cut, it might name another one, which would then be ended. */
START_TEST(an_id_that_does_not_fit_is_nobodys)
{
	struct text t = { .p = NULL };

	s3_remember_upload(&s3, s3_bytes("mine", 4));
	ck_assert_uint_eq(uploads_of(UPLOAD("mine") UPLOAD("other")), 2);
	text_str(&t, UPLOAD("mine") "<Upload><Key>k</Key><UploadId>");
	for (int i = 0; i < 300; i++)
		text_char(&t, 'i');
	text_str(&t, "</UploadId><Initiated>2015-10-21T07:28:00Z</Initiated></Upload>");
	ck_assert_uint_eq(uploads_of(t.p), 1);
	text_release(&t);
}
END_TEST

/* ---- Heads ---- */

static void line(const char *text)
{
	ck_assert(s3_answer_line(&s3s.answer, text, strlen(text)));
}

START_TEST(sizes_that_cannot_be_are_none)
{
	static const char *const sizes[] = { "-1",
					     "1e9",
					     "",
					     "99999999999999999999",
					     "18446744073709551615",
					     "9223372036854775807",
					     "1152921504606846977" };
	struct migrate_stat r = { .object = NULL };
	char text[64];

	for (size_t i = 0; i < COUNT(sizes); i++) {
		text_reset(&s3s.answer.head);
		snprintf(text, sizeof(text), "Content-Length: %s", sizes[i]);
		line(text);
		ck_assert_msg(store_stat(session, &r) == MIGRATE_TRANSIENT, "%s", sizes[i]);
		text_reset(&s3s.answer.head);
		snprintf(text, sizeof(text), "Content-Range: bytes 0-1/%s", sizes[i]);
		line(text);
		ck_assert_msg(store_stat(session, &r) == MIGRATE_TRANSIENT, "%s", sizes[i]);
	}
	text_reset(&s3s.answer.head);
	line("Content-Length: 1152921504606846976");
	ck_assert_int_eq(store_stat(session, &r), MIGRATE_OK);
}
END_TEST

/* Two names that begin alike must not become one. */
START_TEST(a_name_is_not_cut)
{
	struct migrate_attributes *a = attributes_new();
	struct object_slot slot;
	struct migrate_stat r = { .object = &slot.object };
	struct migrate_bytes value;
	const char *name;
	char text[1024];

	object_slot_init(&slot, a);
	line("Content-Length: 1");
	snprintf(text, sizeof(text), "x-amz-meta-%0300d: one", 1);
	line(text);
	snprintf(text, sizeof(text), "x-amz-meta-%0600d: two", 1);
	line(text);
	ck_assert_int_eq(store_stat(session, &r), MIGRATE_OK);
	ck_assert_uint_eq(migrate_attribute_count(a), 1);
	ck_assert(migrate_attribute_at(a, 0, &name, &value));
	ck_assert_uint_eq(strlen(name), 305);
	ck_assert_uint_gt(session->lost.len, 0);
	attributes_free(a);
}
END_TEST

/* Whatever it says, a time can be reckoned with. */
START_TEST(times_far_away_stay_numbers)
{
	struct object_slot slot;
	struct migrate_stat r = { .object = &slot.object };

	object_slot_init(&slot, NULL);
	line("Content-Length: 1");
	line("Date: Thu, 01 Jan 1970 00:00:00 GMT");
	line("Last-Modified: Wed, 31 Dec 2200 23:59:59 GMT");
	ck_assert_int_eq(store_stat(session, &r), MIGRATE_OK);
	ck_assert_int_gt(slot.object.written, 0);
	ck_assert_int_le(slot.object.written, INT64_MAX / 2);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, pages_without_keys_have_an_end);
	tcase_add_loop_test(t, circles_of_tokens_are_seen, 0, 3);
	tcase_add_test(t, a_page_with_keys_begins_the_count_anew);
	tcase_add_test(t, an_etag_that_does_not_fit_is_none);
	tcase_add_test(t, parts_come_once_and_have_a_number);
	tcase_add_test(t, an_id_that_does_not_fit_is_nobodys);
	tcase_add_test(t, sizes_that_cannot_be_are_none);
	tcase_add_test(t, a_name_is_not_cut);
	tcase_add_test(t, times_far_away_stay_numbers);
}

int main(void)
{
	return run_suite("s3-pages", add);
}
