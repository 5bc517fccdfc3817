/* SPDX-License-Identifier: MIT */
#include "posix-fixture.h"

#include <pthread.h>
#include <sys/xattr.h>

/* Every promise holds on kernels and file systems that can less, too. */
enum {
	AS_IT_IS,
	NO_TMPFILE,
	NO_NOREPLACE,
	NO_EXCHANGE,
	NO_OPENAT2,
	NO_EMPTY_PATH,
	NO_SYNCFS,
	WAYS
};

static void take_way(int i)
{
	struct posix_learnt *dst = &self(&f.dst)->store->learnt;

	atomic_store(&dst->no_tmpfile, i == NO_TMPFILE || i == NO_NOREPLACE || i == NO_EXCHANGE);
	atomic_store(&dst->no_noreplace, i == NO_NOREPLACE);
	atomic_store(&dst->no_exchange, i == NO_EXCHANGE);
	atomic_store(&dst->no_openat2, i == NO_OPENAT2);
	atomic_store(&self(&f.src)->store->learnt.no_openat2, i == NO_OPENAT2);
	atomic_store(&dst->no_empty_path, i == NO_EMPTY_PATH);
	self(&f.dst)->store->by_syncfs = i != NO_SYNCFS;
}

START_TEST(a_put_creates_only)
{
	take_way(_i);
	ck_ok(put("a/b/c", "first", MIGRATE_ABSENT));
	ck_holds("a/b/c", "first");
	ck_status(put("a/b/c", "second", MIGRATE_ABSENT), MIGRATE_EXISTS);
	ck_holds("a/b/c", "first");
	ck_files(1);
	ck_ok(put("a/b/c", "second", MIGRATE_ANY));
	ck_holds("a/b/c", "second");
	ck_ok(put("a/empty", "", MIGRATE_ABSENT));
	ck_holds("a/empty", "");
	ck_files(2);
	ck_ok(store_sync(f.dst.session));
}
END_TEST

START_TEST(a_match_replaces_what_it_names_and_nothing_else)
{
	struct object_slot o, now;

	take_way(_i);
	ck_status(put_with("k", "x", MIGRATE_MATCH, BYTES("1-2-3-4"), NULL, 0, &now),
		  MIGRATE_CHANGED);
	ck_ok(put_with("k", "one", MIGRATE_ABSENT, BYTES(""), NULL, 0, &o));
	ck_ok(stat_of(&f.dst, "k", &now, NULL));
	ck_assert_msg(bytes_equal(o.object.etag, now.object.etag),
		      "a put answers with the etag that a later stat gives");
	ck_ok(put_with("k", "two", MIGRATE_MATCH, o.object.etag, NULL, 0, &now));
	ck_holds("k", "two");
	ck_status(put_with("k", "three", MIGRATE_MATCH, o.object.etag, NULL, 0, &now),
		  MIGRATE_CHANGED);
	ck_holds("k", "two");
	ck_files(1);
}
END_TEST

START_TEST(files_and_folders_are_not_in_each_others_place)
{
	struct object_slot o;

	take_way(_i);
	ck_ok(put("file", "a file", MIGRATE_ABSENT));
	ck_ok(put("folder/x", "x", MIGRATE_ABSENT));
	ck_status(put("file/x", "y", MIGRATE_ABSENT), MIGRATE_INVALID);
	ck_status(put("file/x", "y", MIGRATE_ANY), MIGRATE_INVALID);
	ck_status(put("folder", "y", MIGRATE_ABSENT), MIGRATE_INVALID);
	ck_status(put("folder", "y", MIGRATE_ANY), MIGRATE_INVALID);
	ck_status(stat_of(&f.dst, "folder", &o, NULL), MIGRATE_NOT_FOUND);
	ck_status(stat_of(&f.dst, "file/x", &o, NULL), MIGRATE_NOT_FOUND);
	ck_status(stat_of(&f.dst, "nowhere/x", &o, NULL), MIGRATE_NOT_FOUND);
	ck_files(2);
}
END_TEST

START_TEST(a_body_of_another_size_is_not_published)
{
	struct object_slot o;
	struct migrate_put r = { .key = BYTES("k"), .body = f.body, .object = &o.object };

	take_way(_i);
	for (r.size = 2; r.size < 5; r.size += 2) {
		object_slot_init(&o, NULL);
		body_memory_begin(f.body, f.dst.session, "abc", 3);
		ck_status(store_put(f.dst.session, &r), MIGRATE_MISMATCH);
	}
	ck_files(0);
}
END_TEST

START_TEST(keys_that_cannot_be_paths_are_refused)
{
	const struct migrate_bytes keys[] = {
		BYTES(""),
		BYTES("/"),
		BYTES("/a"),
		BYTES("a/"),
		BYTES("a//b"),
		BYTES("."),
		BYTES(".."),
		BYTES("a/./b"),
		BYTES("../a"),
		BYTES("a/.."),
		BYTES("a\0b"),
		BYTES(".migrate-01234567-0123456789abcdef-01234567"),
		BYTES(".migrate-01234567-uploads/x"),
	};
	char part[257];

	memset(part, 'n', sizeof(part));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct object_slot o;
		struct migrate_stat r = { .key = keys[i], .object = &o.object };

		object_slot_init(&o, NULL);
		ck_status(store_accepts(f.dst.session, keys[i]), MIGRATE_INVALID);
		ck_status(store_stat(f.dst.session, &r), MIGRATE_INVALID);
	}
	ck_ok(store_accepts(f.dst.session, bytes_of(part, 255)));
	ck_status(store_accepts(f.dst.session, bytes_of(part, 256)), MIGRATE_INVALID);
	ck_ok(store_accepts(f.dst.session, BYTES("...")));
	ck_ok(store_accepts(f.dst.session, BYTES("a\n/ b")));
}
END_TEST

START_TEST(no_link_leads_out)
{
	struct object_slot o;
	size_t n;

	take_way(_i);
	sh("mkdir outside && echo secret >outside/secret && "
	   "ln -s ../outside src/out && ln -s ../outside dst/out && ln -s ../outside/secret "
	   "src/link");
	ck_status(put("out/x", "x", MIGRATE_ABSENT), MIGRATE_INVALID);
	ck_status(put("out/x/y", "x", MIGRATE_ABSENT), MIGRATE_INVALID);
	ck_status(copy_as("out/secret", "x", MIGRATE_ABSENT, 0), MIGRATE_INVALID);
	ck_status(copy_as("link", "x", MIGRATE_ABSENT, 0), MIGRATE_INVALID);
	ck_status(get_from(&f.src, "link", 0, BYTES(""), &n), MIGRATE_INVALID);
	ck_status(stat_of(&f.src, "link", &o, NULL), MIGRATE_INVALID);
	sh("test $(ls outside | wc -l) -eq 1");
}
END_TEST

static atomic_bool racing;

/* A folder and a link to somewhere else, in turn, under one name. */
static void *swap_links(void *arg)
{
	int fd = *(int *)arg;

	while (atomic_load(&racing)) {
		renameat2(fd, "swapped", fd, "link", RENAME_EXCHANGE);
		sched_yield();
	}
	return NULL;
}

START_TEST(a_link_that_is_swapped_in_leads_nowhere)
{
	struct timespec begin, now;
	pthread_t thread;
	int fd;

	take_way(_i);
	sh("mkdir outside dst/swapped && ln -s ../outside dst/link");
	fd = open(f.dst.root, O_RDONLY | O_DIRECTORY);
	atomic_store(&racing, true);
	ck_assert(!pthread_create(&thread, NULL, swap_links, &fd));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0;; i++) {
		char key[64];

		posix_forget_folder(self(&f.dst));
		snprintf(key, sizeof(key), "swapped/%d", i);
		put(key, "x", MIGRATE_ABSENT);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > begin.tv_sec + 1)
			break;
	}
	atomic_store(&racing, false);
	pthread_join(thread, NULL);
	close(fd);
	sh("test $(ls outside | wc -l) -eq 0");
}
END_TEST

START_TEST(a_copy_carries_bytes_and_attributes)
{
	static char big[300000];
	struct stat st;
	char value[16];
	FILE *file;

	take_way(_i);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 251);
	snprintf(f.bytes, sizeof(f.bytes), "%s/big", f.src.root);
	file = fopen(f.bytes, "w");
	ck_assert(file && fwrite(big, sizeof(big), 1, file) == 1 && !fclose(file));
	sh("cd src && chmod 4751 big && touch -d '2001-02-03 04:05:06.789' big && "
	   "setfattr -n user.mime_type -v image/png big && setfattr -n user.mine -v yes big");
	ck_ok(copy_as("big", "x/y/big", MIGRATE_ABSENT, 0));
	sh("cmp src/big dst/x/y/big && test $(stat -c %%Y.%%a dst/x/y/big) = "
	   "$(date -d '2001-02-03 04:05:06' +%%s).751");
	snprintf(f.bytes, sizeof(f.bytes), "%s/x/y/big", f.dst.root);
	ck_assert_int_eq(getxattr(f.bytes, "user.mine", value, sizeof(value)), 3);
	ck_assert_int_eq(getxattr(f.bytes, "user.mime_type", value, sizeof(value)), 9);
	ck_assert(!stat(f.bytes, &st) && st.st_mtim.tv_nsec == 789000000);
	ck_status(copy_as("big", "x/y/big", MIGRATE_ABSENT, 0), MIGRATE_EXISTS);
	ck_ok(copy_as("big", "plain", MIGRATE_ABSENT, MIGRATE_NO_ATTRIBUTES));
	sh("test $(stat -c %%a dst/plain) = 644 && test -z \"$(getfattr dst/plain)\"");
	ck_files(2);
}
END_TEST

START_TEST(holes_stay_holes)
{
	take_way(_i);
	sh("cd src && truncate -s 10G sparse && printf middle | "
	   "dd of=sparse bs=1M seek=5000 conv=notrunc status=none && truncate -s 1G hole");
	ck_ok(copy_as("sparse", "sparse", MIGRATE_ABSENT, 0));
	ck_ok(copy_as("hole", "hole", MIGRATE_ABSENT, 0));
	sh("test $(stat -c %%s dst/sparse) = 10737418240 && test $(stat -c %%b dst/sparse) -lt "
	   "2000 && "
	   "dd if=dst/sparse bs=1M skip=5000 count=1 status=none | head -c 6 | grep -q middle && "
	   "test $(stat -c %%s.%%b dst/hole) = 1073741824.0");
}
END_TEST

START_TEST(what_is_no_file_is_not_copied)
{
	sh("mkfifo src/pipe && mkdir src/folder");
	ck_status(copy_as("pipe", "x", MIGRATE_ABSENT, 0), MIGRATE_INVALID);
	ck_status(copy_as("folder", "x", MIGRATE_ABSENT, 0), MIGRATE_NOT_FOUND);
	ck_status(copy_as("missing", "x", MIGRATE_ABSENT, 0), MIGRATE_NOT_FOUND);
	ck_files(0);
}
END_TEST

START_TEST(attributes_of_other_stores_are_kept)
{
	struct migrate_attributes *out = attributes_new(), *in = attributes_new();
	struct migrate_bytes v;
	struct object_slot o;

	take_way(_i);
	ck_assert(migrate_set_attribute(out, "content-type", "text/css", 8));
	ck_assert(migrate_set_attribute(out, "cache-control", "no-store", 8));
	ck_assert(migrate_set_attribute(out, "meta:Ärger", "\377\0x", 3));
	ck_assert(migrate_set_attribute(out, "mode", "600", 3));
	ck_assert(migrate_set_attribute(out, "mtime", "-1.500000000", 12));
	ck_ok(put_with("k", "x", MIGRATE_ABSENT, BYTES(""), out, 0, &o));
	ck_assert_str_eq(session_lost(f.dst.session), "");
	ck_ok(stat_of(&f.dst, "k", &o, in));
	for (size_t i = 0; i < 5; i++) {
		struct migrate_bytes wanted;
		const char *name;

		ck_assert(migrate_attribute_at(out, i, &name, &wanted));
		ck_assert_msg(migrate_attribute(in, name, &v) && bytes_equal(v, wanted), "%s",
			      name);
	}
	ck_assert(o.object.mtime == -500000000);
	attributes_free(out);
	attributes_free(in);
}
END_TEST

/* Whoever owns a file says with its extended attributes neither whose the copy is nor its mode. */
START_TEST(an_extended_attribute_is_no_owner)
{
	static const char *const names[] = { "owner", "mode",          "mtime",    "acl",
					     "meta:", "storage-class", "what-else" };
	struct migrate_attributes *in = attributes_new();
	struct migrate_bytes v;
	struct object_slot o;
	char name[64];

	sh("cd src && echo x >k && chmod 640 k");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sh("setfattr -n user.migrate.%s -v 12345:12345 src/k", names[i]);
	ck_ok(stat_of(&f.src, "k", &o, in));
	ck_assert(migrate_attribute(in, "mode", &v) && bytes_equal(v, bytes_of("640", 3)));
	ck_assert(migrate_attribute(in, "owner", &v) &&
		  !bytes_equal(v, bytes_of("12345:12345", 11)));
	ck_assert(!migrate_attribute(in, "acl", &v));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "xattr:user.migrate.%s", names[i]);
		ck_assert_msg(migrate_attribute(in, name, &v), "%s", name);
	}
	attributes_free(in);
}
END_TEST

START_TEST(attributes_without_a_place_are_told)
{
	struct migrate_attributes *a = attributes_new();
	struct object_slot o;

	take_way(_i);
	ck_assert(migrate_set_attribute(a, "storage-class", "COLD", 4));
	ck_assert(migrate_set_attribute(a, "xattr:security.evil", "x", 1));
	ck_status(put_with("k", "x", MIGRATE_ABSENT, BYTES(""), a, MIGRATE_STRICT_ATTRIBUTES, &o),
		  MIGRATE_UNSUPPORTED);
	ck_files(0);
	ck_ok(put_with("k", "x", MIGRATE_ABSENT, BYTES(""), a, 0, &o));
	ck_assert_str_eq(session_lost(f.dst.session), "storage-class, xattr:security.evil");
	attributes_free(a);
}
END_TEST

START_TEST(a_read_notices_other_bytes)
{
	struct object_slot o;
	size_t n;

	sh("echo one >src/k");
	ck_ok(stat_of(&f.src, "k", &o, NULL));
	ck_ok(get_from(&f.src, "k", MIGRATE_FROM_DISK, o.object.etag, &n));
	ck_assert_uint_eq(n, 4);
	sh("echo two >src/new && touch -r src/k src/new && mv src/new src/k");
	ck_status(get_from(&f.src, "k", 0, o.object.etag, &n), MIGRATE_CHANGED);
}
END_TEST

START_TEST(ranges_are_read)
{
	struct object_slot o;
	struct migrate_get r = { .key = BYTES("k"), .sink = f.sink, .object = &o.object };

	sh("printf 0123456789 >src/k");
	object_slot_init(&o, NULL);
	r.offset = 3;
	r.length = 4;
	sink_memory_begin(f.sink, f.src.session, f.bytes, sizeof(f.bytes), NULL, NULL);
	ck_ok(store_get(f.src.session, &r));
	ck_assert_uint_eq(sink_memory_count(f.sink), 4);
	ck_assert(!memcmp(f.bytes, "3456", 4) && o.object.size == 10);
	r.offset = 11;
	ck_status(store_get(f.src.session, &r), MIGRATE_INVALID);
}
END_TEST

START_TEST(removing_looks_first)
{
	struct migrate_removal gone = { .key = BYTES("gone") }, other = { .key = BYTES("k") };
	struct migrate_removal *both[] = { &gone, &other };
	struct migrate_remove r = { .objects = both, .count = 2 };
	struct object_slot o;

	ck_ok(put_with("k", "x", MIGRATE_ABSENT, BYTES(""), NULL, 0, &o));
	other.if_match = BYTES("1-2-3-4");
	ck_ok(store_remove(f.dst.session, &r));
	ck_status((enum migrate_status)gone.status, MIGRATE_NOT_FOUND);
	ck_status((enum migrate_status)other.status, MIGRATE_CHANGED);
	other.if_match = o.object.etag;
	ck_ok(store_remove(f.dst.session, &r));
	ck_status((enum migrate_status)other.status, MIGRATE_OK);
	ck_files(0);
}
END_TEST

START_TEST(leftovers_of_one_key_are_swept)
{
	uint64_t h = posix_hash(BYTES("d/k"));

	sh("mkdir dst/d && cd dst/d && touch .migrate-01234567-%016llx-00000000 k "
	   ".migrate-01234567-%016llx-ffffffff .migrate-01234567-0000000000000000-00000000 "
	   ".migrate-99999999-%016llx-00000000",
	   (unsigned long long)h, (unsigned long long)h, (unsigned long long)h);
	ck_ok(store_sweep(f.dst.session, BYTES("d/k")));
	ck_ok(store_sweep(f.dst.session, BYTES("nowhere/k")));
	ck_files(3);
	sh("test -e dst/d/k -a -e dst/d/.migrate-01234567-0000000000000000-00000000");
}
END_TEST

/* Killed between two exchanges, a file of somebody else is left under a name of ours. */
START_TEST(a_leftover_that_is_another_file_is_kept)
{
	uint64_t h = posix_hash(BYTES("k"));

	sh("cd dst && for i in 1 2 3; do echo $i >$i; n=$(printf %%x $(stat -c %%i $i)); "
	   "case $i in 1) t=$n-0 ;; 2) t=0-$n ;; 3) t=0-1 ;; esac; "
	   "mv $i .migrate-01234567-%016llx-0000000$i-$t; done",
	   (unsigned long long)h);
	ck_status(put(".migrate-01234567-0123456789abcdef-01234567-1f-2f", "x", MIGRATE_ABSENT),
		  MIGRATE_INVALID);
	ck_ok(put(".migrate-01234567-0123456789abcdef-01234567-1f-2f-3", "x", MIGRATE_ABSENT));
	sh("rm dst/.migrate-*-3");
	ck_ok(store_sweep(f.dst.session, BYTES("k")));
	ck_files(1);
	sh("test \"$(cat dst/migrate-kept-*)\" = 3");
}
END_TEST

/* It was replaced after it was looked at. */
START_TEST(removing_takes_nothing_else_away)
{
	struct posix_session *s = self(&f.dst);
	struct stat st;
	int folder;

	ck_ok(put("k", "old", MIGRATE_ABSENT));
	ck_ok(posix_locate(s, f.dst.session, BYTES("k"), false, &folder));
	ck_assert(!posix_look_at(s->store, folder, "k", &st));
	sh("cd dst && echo new >other && mv other k");
	ck_status(posix_remove_match(s, f.dst.session, BYTES("k"), folder, &st), MIGRATE_CHANGED);
	ck_files(1);
	sh("test \"$(cat dst/k)\" = new");
	sh("mkdir dst/d && rm dst/k && mv dst/d dst/k");
	ck_status(posix_remove_match(s, f.dst.session, BYTES("k"), folder, &st), MIGRATE_CHANGED);
	sh("test -d dst/k");
}
END_TEST

START_TEST(a_failed_sync_is_not_forgotten_by_what_it_interrupted)
{
	struct posix_session *s = self(&f.dst);
	const struct posix_publish name = { f.dst.session, BYTES("k"), MIGRATE_ABSENT, BYTES("") };
	struct posix_draft draft;
	struct stat st;

	ck_ok(posix_draft_begin(s, f.dst.session, BYTES("k"), 0600, &draft));
	atomic_fetch_add(&s->store->sync.failures, 1);
	ck_status(posix_draft_publish(s, &draft, &name, &st), MIGRATE_TRANSIENT);
	posix_draft_end(&draft);
	ck_files(0);
	ck_ok(put("k", "x", MIGRATE_ABSENT));
}
END_TEST

START_TEST(a_folder_that_was_replaced_is_found_again)
{
	take_way(_i);
	ck_ok(put("d/a", "x", MIGRATE_ABSENT));
	sh("rm -r dst/d");
	if (put("d/a", "y", MIGRATE_ABSENT) == MIGRATE_TRANSIENT)
		ck_ok(put("d/a", "y", MIGRATE_ABSENT));
	ck_holds("d/a", "y");
	sh("rm -r dst/d && mkdir dst/d && echo -n z >dst/d/a");
	ck_holds("d/a", "z");
}
END_TEST

START_TEST(paths_longer_than_a_path_may_be)
{
	static char key[20000];
	size_t n;

	take_way(_i);
	for (n = 0; n < 19000; n += 200) {
		memset(key + n, 'd', 199);
		key[n + 199] = '/';
	}
	key[n] = 'k';
	ck_ok(put(key, "deep", MIGRATE_ABSENT));
	ck_holds(key, "deep");
	ck_ok(store_sync(f.dst.session));
}
END_TEST

START_TEST(one_place_has_one_identity)
{
	char *a, *b, *c;
	struct side link = { .fd = 0 };

	sh("ln -s dst alias");
	open_side(&link, "alias", false);
	ck_ok(end_identity(f.dst.session, &a));
	ck_ok(end_identity(link.session, &b));
	ck_ok(end_identity(f.src.session, &c));
	ck_assert_str_eq(a, b);
	ck_assert_str_ne(a, c);
	ck_assert(strstr(a, "path=/"));
	close_side(&link);
	free(a);
	free(b);
	free(c);
}
END_TEST

START_TEST(a_destination_is_made_a_source_is_not)
{
	struct side side = { .fd = 0 };

	open_side(&side, "new", true);
	ck_ok(end_probe(side.session, true));
	close_side(&side);
	sh("test -d new && test -z \"$(ls -A new)\"");
	snprintf(side.root, sizeof(side.root), "%s/missing", f.folder);
	ck_assert(!end_open(&f.host, "source", migrate_plugin_v1(), &side.config, false, &f.err));
	ck_assert(strstr(f.err.text, "missing"));
	snprintf(side.root, sizeof(side.root), "%s/missing/below", f.folder);
	ck_assert(
	    !end_open(&f.host, "destination", migrate_plugin_v1(), &side.config, true, &f.err));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_loop_test(t, a_put_creates_only, 0, WAYS);
	tcase_add_loop_test(t, a_match_replaces_what_it_names_and_nothing_else, 0, WAYS);
	tcase_add_loop_test(t, files_and_folders_are_not_in_each_others_place, 0, WAYS);
	tcase_add_loop_test(t, a_body_of_another_size_is_not_published, 0, WAYS);
	tcase_add_test(t, keys_that_cannot_be_paths_are_refused);
	tcase_add_loop_test(t, no_link_leads_out, 0, WAYS);
	tcase_add_loop_test(t, a_link_that_is_swapped_in_leads_nowhere, 3, 5);
	tcase_add_loop_test(t, a_copy_carries_bytes_and_attributes, 0, WAYS);
	tcase_add_loop_test(t, holes_stay_holes, 0, WAYS);
	tcase_add_test(t, what_is_no_file_is_not_copied);
	tcase_add_loop_test(t, attributes_of_other_stores_are_kept, 0, WAYS);
	tcase_add_test(t, an_extended_attribute_is_no_owner);
	tcase_add_loop_test(t, attributes_without_a_place_are_told, 0, WAYS);
	tcase_add_test(t, a_read_notices_other_bytes);
	tcase_add_test(t, ranges_are_read);
	tcase_add_test(t, removing_looks_first);
	tcase_add_test(t, leftovers_of_one_key_are_swept);
	tcase_add_test(t, a_leftover_that_is_another_file_is_kept);
	tcase_add_test(t, removing_takes_nothing_else_away);
	tcase_add_test(t, a_failed_sync_is_not_forgotten_by_what_it_interrupted);
	tcase_add_loop_test(t, a_folder_that_was_replaced_is_found_again, 0, WAYS);
	tcase_add_loop_test(t, paths_longer_than_a_path_may_be, 0, WAYS);
	tcase_add_test(t, one_place_has_one_identity);
	tcase_add_test(t, a_destination_is_made_a_source_is_not);
}

int main(void)
{
	return run_tests("posix write", add);
}
