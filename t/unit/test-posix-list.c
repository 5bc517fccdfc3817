/* SPDX-License-Identifier: MIT */
#include "posix-fixture.h"

static void make_mixed(void)
{
	sh("cd src && mkdir -p a b/c b.d e/empty f && "
	   "touch a-b a/1 a/2 a.txt b/c/x b/z b.d/y f/last && "
	   "ln -s a link && mkfifo fifo");
}

#define MIXED                                                                                      \
	"a-b\na.txt\na/1\na/2\nb.d/y\nb/c/x\nb/z\nskip 4 e/empty/\nf/last\n"                       \
	"skip 2 fifo\nskip 1 link\n"

START_TEST(keys_come_in_the_order_of_their_bytes)
{
	make_mixed();
	ck_lists("", "", 1000, MIXED);
}
END_TEST

START_TEST(pages_of_any_size_give_the_same)
{
	make_mixed();
	for (uint32_t limit = 1; limit < 13; limit++)
		ck_lists("", "", limit, MIXED);
}
END_TEST

START_TEST(a_listing_begins_after_any_key)
{
	make_mixed();
	ck_lists("", "a.txt", 3,
		 "a/1\na/2\nb.d/y\nb/c/x\nb/z\nskip 4 e/empty/\nf/last\n"
		 "skip 2 fifo\nskip 1 link\n");
	ck_lists("", "a/1", 3,
		 "a/2\nb.d/y\nb/c/x\nb/z\nskip 4 e/empty/\nf/last\n"
		 "skip 2 fifo\nskip 1 link\n");
	/* also after one that is not there, or never was */
	ck_lists("", "b/c/w", 2, "b/c/x\nb/z\nskip 4 e/empty/\nf/last\nskip 2 fifo\nskip 1 link\n");
	ck_lists("", "b/d/e/f", 2, "b/z\nskip 4 e/empty/\nf/last\nskip 2 fifo\nskip 1 link\n");
	ck_lists("", "e/empty/", 2, "f/last\nskip 2 fifo\nskip 1 link\n");
	ck_lists("", "a/2/3", 2,
		 "b.d/y\nb/c/x\nb/z\nskip 4 e/empty/\nf/last\nskip 2 fifo\n"
		 "skip 1 link\n");
	ck_lists("", "zz", 2, "");
}
END_TEST

START_TEST(a_prefix_need_not_end_with_a_folder)
{
	make_mixed();
	ck_lists("b", "", 2, "b.d/y\nb/c/x\nb/z\n");
	ck_lists("b/", "", 2, "b/c/x\nb/z\n");
	ck_lists("b/c", "", 2, "b/c/x\n");
	ck_lists("b/c/x", "", 2, "b/c/x\n");
	ck_lists("b/c/x/", "", 2, "");
	ck_lists("b/", "b/c/x", 2, "b/z\n");
	ck_lists("nowhere/", "", 2, "");
	ck_lists("a", "a/1", 1, "a/2\n");
	ck_lists("e/empty/", "", 2, "skip 4 e/empty/\n");
}
END_TEST

START_TEST(a_prefix_that_no_key_can_have_is_refused)
{
	static const char *const prefixes[] = { "/", "a//", "../", "a/../b/", "./" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		struct migrate_list r = { .prefix = bytes_of_text(prefixes[i]), .limit = 10 };
		struct list_page page = LIST_PAGE_INIT;

		ck_status(store_list(f.src.session, &r, &page), MIGRATE_INVALID);
		list_page_release(&page);
	}
}
END_TEST

START_TEST(memory_has_a_bound_and_the_order_stays)
{
	make_mixed();
	self(&f.src)->store->limits = (struct posix_limits){ .names = 2, .text = 16, .held = 1 };
	for (uint32_t limit = 1; limit < 13; limit++)
		ck_lists("", "", limit, MIXED);
}
END_TEST

/* 300 folders in each other, a file before and behind each: more levels than descriptors are kept. */
START_TEST(deep_trees_are_listed)
{
	char *text;
	size_t lines = 0;

	sh("cd src && for i in $(seq 300); do touch 0 z && mkdir folder && cd folder; done && "
	   "touch x");
	self(&f.src)->store->limits.held = _i & 1;
	atomic_store(&self(&f.src)->store->learnt.no_openat2, _i & 2);
	text = list_all("", "", 7, false);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	ck_assert_uint_eq(lines, 601);
	ck_assert(!strncmp(text, "0\nfolder/0\n", 11));
	ck_assert_str_eq(text + strlen(text) - 11, "folder/z\nz\n");
	free(text);
}
END_TEST

START_TEST(temporary_files_of_any_job_are_not_listed)
{
	sh("cd src && touch .migrate-01234567-0123456789abcdef-01234567 .migrate-me && "
	   "mkdir .migrate-01234567-uploads only && touch .migrate-01234567-uploads/x "
	   "only/.migrate-89abcdef-0123456789abcdef-01234567");
	ck_lists("", "", 10, ".migrate-me\nskip 4 only/\n");
}
END_TEST

START_TEST(what_cannot_be_read_is_said_and_the_rest_is_listed)
{
	sh("cd src && mkdir a b c && touch a/1 b/1 c/1 && chmod 0 b");
	if (!geteuid() && seteuid(65534))
		ck_abort_msg("cannot drop rights");
	sh("true");
	if (geteuid() == 65534 && chdir("/"))
		ck_abort();
	ck_lists("", "", 10, "a/1\nfail denied b/\nc/1\n");
	ck_assert(!seteuid(getuid()));
}
END_TEST

START_TEST(a_folder_that_is_a_link_by_now_is_not_entered)
{
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .limit = 1 };

	sh("mkdir outside && touch outside/secret && cd src && mkdir b && touch a b/1 c");
	ck_ok(store_list(f.src.session, &r, &page));
	sh("rm -r src/b && ln -s ../outside src/b");
	r.after = BYTES("a");
	r.limit = 10;
	ck_ok(store_list(f.src.session, &r, &page));
	ck_assert_uint_eq(page.n, 2);
	ck_assert_int_eq(page.items[0]->kind, LISTED_SKIPPED);
	ck_assert_int_eq(page.items[0]->skip, MIGRATE_SKIP_SYMLINK);
	ck_assert(bytes_equal(page.items[1]->key, BYTES("c")));
	list_page_release(&page);
}
END_TEST

START_TEST(what_vanishes_between_two_pages_is_no_failure)
{
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .limit = 1 };

	sh("cd src && mkdir b && touch a b/1 c d");
	ck_ok(store_list(f.src.session, &r, &page));
	sh("rm -r src/b src/c");
	r.after = BYTES("a");
	r.limit = 10;
	ck_ok(store_list(f.src.session, &r, &page));
	ck_assert_uint_eq(page.n, 1);
	ck_assert(bytes_equal(page.items[0]->key, BYTES("d")));
	list_page_release(&page);
}
END_TEST

START_TEST(a_root_that_is_gone_is_not_an_empty_one)
{
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .limit = 10 };

	sh("rm -r src");
	ck_status(store_list(f.src.session, &r, &page), MIGRATE_UNAVAILABLE);
	ck_status(end_probe(f.src.session, false), MIGRATE_UNAVAILABLE);
	list_page_release(&page);
	sh("mkdir src");
	ck_status(end_probe(f.src.session, false), MIGRATE_UNAVAILABLE);
}
END_TEST

START_TEST(names_are_bytes)
{
	sh("cd src && touch \"$(printf 'a\\nb')\" \"$(printf 'a\\377')\" \"$(printf 'A')\" 'a b'");
	ck_lists("", "", 2, "A\na\nb\na b\na\377\n");
}
END_TEST

START_TEST(holes_are_told)
{
	struct object_slot o;

	sh("truncate -s 1M src/holes && echo data >src/full");
	ck_ok(stat_of(&f.src, "holes", &o, NULL));
	ck_assert_uint_eq(o.object.size, 1 << 20);
	ck_assert(o.object.blocks && o.object.blocks < o.object.size);
	ck_ok(stat_of(&f.src, "full", &o, NULL));
	ck_assert_uint_eq(o.object.blocks, 0);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, keys_come_in_the_order_of_their_bytes);
	tcase_add_test(t, pages_of_any_size_give_the_same);
	tcase_add_test(t, a_listing_begins_after_any_key);
	tcase_add_test(t, a_prefix_need_not_end_with_a_folder);
	tcase_add_test(t, a_prefix_that_no_key_can_have_is_refused);
	tcase_add_test(t, memory_has_a_bound_and_the_order_stays);
	tcase_add_loop_test(t, deep_trees_are_listed, 0, 4);
	tcase_add_test(t, temporary_files_of_any_job_are_not_listed);
	tcase_add_test(t, what_cannot_be_read_is_said_and_the_rest_is_listed);
	tcase_add_test(t, a_folder_that_is_a_link_by_now_is_not_entered);
	tcase_add_test(t, what_vanishes_between_two_pages_is_no_failure);
	tcase_add_test(t, a_root_that_is_gone_is_not_an_empty_one);
	tcase_add_test(t, names_are_bytes);
	tcase_add_test(t, holes_are_told);
}

int main(void)
{
	return run_tests("posix list", add);
}
