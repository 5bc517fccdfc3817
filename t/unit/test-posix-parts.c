/* SPDX-License-Identifier: MIT */
#include "posix-fixture.h"

static struct {
	unsigned char id[MIGRATE_ETAG_MAX];
	size_t n;
} up;

static struct migrate_bytes id(void)
{
	return bytes_of(up.id, up.n);
}

static void begin_upload(const char *key, uint64_t size,
			 const struct migrate_attributes *attributes)
{
	struct migrate_upload r = {
		.key = bytes_of_text(key), .size = size, .part_size = 4, .attributes = attributes
	};

	ck_ok(store_upload(f.dst.session, &r, up.id, &up.n));
}

static enum migrate_status part(uint32_t number, uint64_t offset, const char *text)
{
	struct migrate_part r = { .key = BYTES("big"),
				  .id = id(),
				  .number = number,
				  .offset = offset,
				  .size = strlen(text),
				  .body = f.body };
	unsigned char token[MIGRATE_ETAG_MAX];
	size_t n;

	body_memory_begin(f.body, f.dst.session, text, strlen(text));
	return store_part(f.dst.session, &r, token, &n);
}

static enum migrate_status complete(uint64_t size, uint32_t precondition,
				    struct migrate_bytes if_match, struct object_slot *o)
{
	struct migrate_parts p = { .key = BYTES("big"), .id = id() };
	struct migrate_complete r = { .key = BYTES("big"),
				      .id = id(),
				      .size = size,
				      .precondition = precondition,
				      .if_match = if_match,
				      .object = &o->object };
	struct part_list parts;
	enum migrate_status status;

	memset(&parts, 0, sizeof(parts));
	object_slot_init(o, NULL);
	status = store_parts(f.dst.session, &p, &parts);
	r.parts = (const struct migrate_done_part *const *)parts.items;
	r.count = parts.n;
	if (!status)
		status = store_complete(f.dst.session, &r);
	part_list_release(&parts);
	return status;
}

static size_t count_parts(void)
{
	struct migrate_parts p = { .key = BYTES("big"), .id = id() };
	struct part_list parts;
	size_t n;

	memset(&parts, 0, sizeof(parts));
	ck_ok(store_parts(f.dst.session, &p, &parts));
	n = parts.n;
	part_list_release(&parts);
	return n;
}

static size_t count_uploads(const char *prefix)
{
	struct migrate_uploads r = { .prefix = bytes_of_text(prefix) };
	struct upload_list left;
	size_t n;

	memset(&left, 0, sizeof(left));
	ck_ok(store_uploads(f.dst.session, &r, &left));
	n = left.n;
	if (n == 1) {
		ck_assert(bytes_equal(left.items[0].key, BYTES("big")));
		ck_assert(bytes_equal(left.items[0].id, id()));
	}
	upload_list_release(&left);
	return n;
}

static enum migrate_status abort_upload(void)
{
	struct migrate_abort r = { .key = BYTES("big"), .id = id() };

	return store_abort(f.dst.session, &r);
}

START_TEST(parts_in_any_order_make_an_object)
{
	struct migrate_attributes *a = attributes_new();
	struct object_slot o, now;

	ck_assert(migrate_set_attribute(a, "mtime", "981173106.5", 11));
	ck_assert(migrate_set_attribute(a, "mode", "0640", 4));
	ck_assert(migrate_set_attribute(a, "content-type", "image/png", 9));
	begin_upload("big", 10, a);
	ck_ok(part(3, 8, "89"));
	ck_ok(part(1, 0, "0123"));
	ck_status(stat_of(&f.dst, "big", &o, NULL), MIGRATE_NOT_FOUND);
	ck_ok(part(2, 4, "4567"));
	ck_ok(complete(10, MIGRATE_ABSENT, BYTES(""), &o));
	ck_holds("big", "0123456789");
	ck_files(1);
	sh("test $(stat -c %%a.%%Y dst/big) = 640.981173106 && "
	   "test $(getfattr --only-values -n user.mime_type dst/big) = image/png && "
	   "test $(ls -A dst) = big");
	ck_ok(stat_of(&f.dst, "big", &now, NULL));
	ck_assert(bytes_equal(o.object.etag, now.object.etag));
	attributes_free(a);
}
END_TEST

START_TEST(an_upload_goes_on_in_another_process)
{
	struct object_slot o;

	begin_upload("big", 8, NULL);
	ck_ok(part(2, 4, "4567"));
	close_side(&f.dst);
	open_side(&f.dst, "dst", true);
	ck_assert_uint_eq(count_parts(), 1);
	ck_assert_uint_eq(count_uploads(""), 1);
	ck_assert_uint_eq(count_uploads("bi"), 1);
	ck_assert_uint_eq(count_uploads("c"), 0);
	ck_ok(part(1, 0, "0123"));
	ck_ok(complete(8, MIGRATE_ABSENT, BYTES(""), &o));
	ck_holds("big", "01234567");
	ck_assert_uint_eq(count_uploads(""), 0);
}
END_TEST

/* A crash between making the file and its header: of nobody, until its key is written again. */
START_TEST(what_was_begun_in_vain_goes_with_its_key)
{
	struct migrate_uploads r = { .prefix = BYTES("big"), .since = 1 };
	struct upload_list left = { .arena = ARENA_INIT };

	begin_upload("big", 8, NULL);
	sh("cd dst/.migrate-*-uploads && own=$(ls | sed -n 's/-.*parts//p') && "
	   "touch $own-0123456789abcdef.parts 0000000000000000-0123456789abcdef.parts");
	ck_assert_uint_eq(count_uploads("big"), 1);
	sh("test $(ls dst/.migrate-*-uploads/*.parts | wc -l) = 3");
	ck_ok(store_uploads(f.dst.session, &r, &left));
	ck_assert_uint_eq(left.n, 1);
	upload_list_release(&left);
	sh("test $(ls dst/.migrate-*-uploads/*.parts | wc -l) = 2 && "
	   "rm dst/.migrate-*-uploads/0000*");
	ck_ok(abort_upload());
	ck_files(0);
}
END_TEST

START_TEST(a_part_that_is_not_whole_does_not_count)
{
	struct object_slot o;
	struct migrate_part r = { .key = BYTES("big"),
				  .id = bytes_of(up.id, 33),
				  .number = 1,
				  .size = 4,
				  .body = f.body };
	unsigned char token[MIGRATE_ETAG_MAX];
	size_t n;

	begin_upload("big", 4, NULL);
	ck_ok(part(1, 0, "0123"));
	body_memory_begin(f.body, f.dst.session, "xy", 2);
	ck_status(store_part(f.dst.session, &r, token, &n), MIGRATE_MISMATCH);
	ck_assert_uint_eq(count_parts(), 0);
	ck_status(complete(4, MIGRATE_ABSENT, BYTES(""), &o), MIGRATE_MISMATCH);
	ck_ok(part(1, 0, "0123"));
	ck_ok(complete(4, MIGRATE_ABSENT, BYTES(""), &o));
	ck_holds("big", "0123");
}
END_TEST

START_TEST(parts_outside_the_object_are_refused)
{
	begin_upload("big", 4, NULL);
	ck_status(part(1, 1, "0123"), MIGRATE_INVALID);
	ck_status(part(1, UINT64_MAX, "0"), MIGRATE_INVALID);
	ck_status(part(0, 0, "0"), MIGRATE_INVALID);
	ck_status(part(100001, 0, "0"), MIGRATE_INVALID);
	ck_ok(abort_upload());
}
END_TEST

START_TEST(a_gap_is_no_object)
{
	struct object_slot o;

	begin_upload("big", 12, NULL);
	ck_ok(part(1, 0, "0123"));
	ck_ok(part(3, 8, "89ab"));
	ck_status(complete(12, MIGRATE_ABSENT, BYTES(""), &o), MIGRATE_MISMATCH);
	ck_status(complete(8, MIGRATE_ABSENT, BYTES(""), &o), MIGRATE_MISMATCH);
	ck_ok(abort_upload());
	ck_files(0);
}
END_TEST

START_TEST(nothing_is_replaced_by_accident)
{
	struct object_slot o, first;

	ck_ok(put_with("big", "mine", MIGRATE_ABSENT, BYTES(""), NULL, 0, &first));
	begin_upload("big", 4, NULL);
	ck_ok(part(1, 0, "0123"));
	ck_status(complete(4, MIGRATE_ABSENT, BYTES(""), &o), MIGRATE_EXISTS);
	ck_holds("big", "mine");
	ck_assert_uint_eq(count_parts(), 1);
	ck_status(complete(4, MIGRATE_MATCH, BYTES("1-2-3-4"), &o), MIGRATE_CHANGED);
	ck_ok(complete(4, MIGRATE_MATCH, first.object.etag, &o));
	ck_holds("big", "0123");
	ck_files(1);
}
END_TEST

START_TEST(an_abort_leaves_nothing_and_may_be_repeated)
{
	begin_upload("big", 4, NULL);
	ck_ok(part(1, 0, "0123"));
	ck_ok(abort_upload());
	ck_ok(abort_upload());
	sh("test -z \"$(ls -A dst)\"");
	ck_status(part(1, 0, "0123"), MIGRATE_NOT_FOUND);
}
END_TEST

START_TEST(an_id_of_somebody_else_opens_nothing)
{
	static const char *const ids[] = { "", "../../etc/passwd", "x",
					   "0123456789abcdef-0123456789abcde/",
					   "0123456789abcdef-0123456789abcdef" };

	sh("touch dst/victim.data");
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		up.n = strlen(ids[i]);
		memcpy(up.id, ids[i], up.n);
		ck_status(part(1, 0, "0123"), MIGRATE_NOT_FOUND);
		ck_ok(abort_upload());
	}
	ck_files(1);
}
END_TEST

START_TEST(a_damaged_record_is_no_part)
{
	begin_upload("big", 4, NULL);
	ck_ok(part(1, 0, "0123"));
	ck_assert_uint_eq(count_parts(), 1);
	sh("printf x | dd of=\"$(echo dst/.migrate-*-uploads/*.parts)\" bs=1 seek=69648 "
	   "conv=notrunc status=none");
	ck_assert_uint_eq(count_parts(), 0);
}
END_TEST

START_TEST(parts_may_come_from_another_file)
{
	struct object_slot o;
	struct migrate_part r = { .key = BYTES("big"), .source_key = BYTES("big"), .size = 4 };
	unsigned char token[MIGRATE_ETAG_MAX];
	size_t n;

	sh("printf 01234567 >src/big");
	begin_upload("big", 8, NULL);
	r.id = id();
	for (r.number = 1; r.number < 3; r.number++, r.offset += 4)
		ck_ok(store_copy_part(f.dst.session, f.src.session, &r, token, &n));
	ck_ok(complete(8, MIGRATE_ABSENT, BYTES(""), &o));
	ck_holds("big", "01234567");
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, parts_in_any_order_make_an_object);
	tcase_add_test(t, an_upload_goes_on_in_another_process);
	tcase_add_test(t, what_was_begun_in_vain_goes_with_its_key);
	tcase_add_test(t, a_part_that_is_not_whole_does_not_count);
	tcase_add_test(t, parts_outside_the_object_are_refused);
	tcase_add_test(t, a_gap_is_no_object);
	tcase_add_test(t, nothing_is_replaced_by_accident);
	tcase_add_test(t, an_abort_leaves_nothing_and_may_be_repeated);
	tcase_add_test(t, an_id_of_somebody_else_opens_nothing);
	tcase_add_test(t, a_damaged_record_is_no_part);
	tcase_add_test(t, parts_may_come_from_another_file);
}

int main(void)
{
	return run_tests("posix parts", add);
}
