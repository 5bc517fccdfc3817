/* SPDX-License-Identifier: MIT */
#include "base/arena.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/log.h"
#include "tap.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Digests: against published values ---- */
static const struct {
	enum migrate_digest_algorithm algorithm;
	const char *name, *text, *hex;
} digests[] = {
	{ MIGRATE_MD5, "md5", "", "d41d8cd98f00b204e9800998ecf8427e" },
	{ MIGRATE_MD5, "md5", "abc", "900150983cd24fb0d6963f7d28e17f72" },
	{ MIGRATE_SHA1, "sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ MIGRATE_SHA256, "sha256", "",
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ MIGRATE_SHA256, "sha256", "abc",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ MIGRATE_CRC32, "crc32", "", "00000000" },
	{ MIGRATE_CRC32, "crc32", "123456789", "cbf43926" },
};

static void check_hex(const struct migrate_digest *d, const char *hex)
{
	char text[65] = "";

	for (size_t i = 0; i < d->n; i++)
		snprintf(text + 2 * i, 3, "%02x", d->bytes[i]);
	ck_assert_str_eq(text, hex);
}

START_TEST(a_digest_is_the_published_one)
{
	struct digest_context *c = digest_new();
	struct migrate_digest d;

	ck_assert(
	    digest_of(c, digests[_i].algorithm, digests[_i].text, strlen(digests[_i].text), &d));
	ck_assert_uint_eq(d.algorithm, digests[_i].algorithm);
	check_hex(&d, digests[_i].hex);
	ck_assert_str_eq(digest_name(digests[_i].algorithm), digests[_i].name);
	/* Again through the same memory, a byte at a time, after one that was given up. */
	ck_assert(digest_begin(c, digests[_i].algorithm));
	digest_add(c, "other", 5);
	ck_assert(digest_begin(c, digests[_i].algorithm));
	for (const char *s = digests[_i].text; *s; s++)
		digest_add(c, s, 1);
	digest_end(c, &d);
	check_hex(&d, digests[_i].hex);
	digest_free(c);
}
END_TEST

START_TEST(an_algorithm_we_lack_is_refused)
{
	struct digest_context *c = digest_new();
	struct migrate_digest d;

	ck_assert(!digest_begin(c, MIGRATE_CRC32C));
	ck_assert(!digest_begin(c, MIGRATE_CRC64NVME));
	ck_assert(!digest_begin(c, MIGRATE_DIGEST_COUNT));
	ck_assert(!digest_of(c, MIGRATE_CRC32C, "a", 1, &d));
	ck_assert_uint_eq(d.n, 0);
	ck_assert_str_eq(digest_name(MIGRATE_CRC64NVME), "crc64nvme");
	digest_free(c);
	digest_free(NULL);
}
END_TEST

START_TEST(an_unknown_digest_equals_nothing)
{
	const struct migrate_digest none = { .n = 0 };
	struct migrate_digest a = { .algorithm = MIGRATE_CRC32, .n = 4, .bytes = { 1, 2, 3, 4 } },
			      b = a;

	ck_assert(!digest_equal(&none, &none));
	ck_assert(digest_equal(&a, &b));
	b.bytes[3] = 5;
	ck_assert(!digest_equal(&a, &b));
	b = a;
	b.algorithm = MIGRATE_CRC32C;
	ck_assert(!digest_equal(&a, &b));
}
END_TEST

START_TEST(a_key_has_the_start_of_its_sha256)
{
	static const uint8_t want[16] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
					  0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23 };
	struct digest_context *c = digest_new();
	uint8_t got[16];

	digest_key(c, BYTES("abc"), got);
	ck_assert_int_eq(memcmp(got, want, 16), 0);
	digest_free(c);
}
END_TEST

/* ---- Errors ---- */

START_TEST(an_error_is_one_escaped_sentence)
{
	struct error err = ERROR_INIT;

	ck_assert(!error_is_set(&err));
	ck_assert_int_eq(error_set(&err, EXIT_USAGE, "no '%s'", "a\nb\033[0m"), -1);
	ck_assert_int_eq(err.exit, EXIT_USAGE);
	ck_assert_str_eq(err.text, "no 'a\\x0ab\\x1b[0m'");
	ck_assert_int_eq(error_prefix(&err, "job.yml: %s", "x\ty"), -1);
	ck_assert_str_eq(err.text, "job.yml: x\\x09y: no 'a\\x0ab\\x1b[0m'");
	error_set_errno(&err, EXIT_JOURNAL, 2, "cannot open '%s'", "f");
	ck_assert_str_eq(err.text, "cannot open 'f': No such file or directory");
	error_clear(&err);
	ck_assert(!error_is_set(&err));
}
END_TEST

START_TEST(an_error_is_cut_rather_than_lost)
{
	static char big[3 * ERROR_TEXT_MAX];
	struct error err = ERROR_INIT;

	memset(big, 'x', sizeof(big) - 1);
	error_set(&err, EXIT_INTERNAL, "a %s", big);
	ck_assert_uint_eq(strlen(err.text), ERROR_TEXT_MAX - 1);
	error_prefix(&err, "%s", big);
	ck_assert_uint_lt(strlen(err.text), ERROR_TEXT_MAX);
	memset(big, 1, sizeof(big) - 1);
	error_set(&err, EXIT_INTERNAL, "%s", big);
	ck_assert_uint_lt(strlen(err.text), ERROR_TEXT_MAX);
}
END_TEST

/* ---- Arena ---- */

START_TEST(an_arena_keeps_what_it_gave)
{
	struct arena a = ARENA_INIT;
	char *texts[500];

	for (size_t i = 0; i < 500; i++) {
		uint64_t *p = arena_alloc(&a, 24);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		ck_assert(!p[0] && !p[1] && !p[2]);
		p[0] = p[1] = p[2] = UINT64_MAX;
		texts[i] = arena_printf(&a, "text %zu", i);
	}
	ck_assert_str_eq(texts[0], "text 0");
	ck_assert_str_eq(texts[499], "text 499");
	ck_assert_ptr_nonnull(arena_alloc(&a, 1 << 20));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
	arena_reset(&a);
	ck_assert_uint_eq(a.used, 0);
	ck_assert_str_eq(arena_text(&a, "again"), "again");
	arena_release(&a);
	ck_assert_ptr_null(a.blocks);
}
END_TEST

START_TEST(an_arena_copies_bytes)
{
	struct arena a = ARENA_INIT;
	struct migrate_bytes out;

	ck_assert(arena_bytes(&a, BYTES("a\0b"), &out));
	ck_assert(bytes_equal(out, BYTES("a\0b")));
	ck_assert_int_eq(((const char *)out.p)[3], 0);
	ck_assert(arena_bytes(&a, bytes_of(NULL, 0), &out));
	ck_assert_uint_eq(out.n, 0);
	ck_assert_ptr_nonnull(out.p);
	arena_release(&a);
}
END_TEST

/* ---- Log ---- */

static int saved_stderr;
static char captured[65536];

static void capture(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	ck_assert_int_ge(fd, 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static const char *release(void)
{
	ssize_t n = pread(STDERR_FILENO, captured, sizeof(captured) - 1, 0);

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	ck_assert_int_ge(n, 0);
	captured[n] = '\0';
	return captured;
}

START_TEST(a_log_line_is_one_line)
{
	log_configure("migrate-run", LOG_INFO, false);
	capture();
	log_warn("key '%s' is odd", "a\nmigrate-run: error: forged\033[2J");
	log_debug("not shown");
	ck_assert_str_eq(release(), "migrate-run: warning: key 'a\\x0amigrate-run: error: "
				    "forged\\x1b[2J' is odd\n");
	ck_assert(!log_enabled(LOG_DEBUG));
}
END_TEST

START_TEST(a_log_line_may_be_json)
{
	const char *line;

	log_configure("migrate-run", LOG_DEBUG, true);
	capture();
	log_debug("say \"%s\"", "a\\b\n");
	line = release();
	ck_assert_int_eq(strncmp(line, "{\"time\":\"2", 10), 0);
	ck_assert_ptr_nonnull(
	    strstr(line, "Z\",\"level\":\"debug\",\"message\":\"say \\\"a\\\\b\\\\x0a\\\"\"}\n"));
}
END_TEST

static void note(void *arg)
{
	(void)!write(STDERR_FILENO, arg, 1);
}

static void blank(char *text, size_t n)
{
	char *found = memmem(text, n, "secret", 6);

	if (found)
		memset(found, '*', 6);
}

START_TEST(hooks_stand_around_a_line_and_secrets_are_blanked)
{
	static char bar[] = "|";

	log_configure("m", LOG_INFO, false);
	log_set_hooks(&(struct log_hooks){ .before = note, .after = note, .arg = bar });
	log_set_mask(blank);
	capture();
	log_info("a secret");
	log_set_hooks(NULL);
	log_set_mask(NULL);
	log_error("b");
	ck_assert_str_eq(release(), "|m: info: a ******\n|m: error: b\n");
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	static char big[100000];

	memset(big, 'x', sizeof(big) - 1);
	log_configure("m", LOG_INFO, false);
	capture();
	log_info("%s", big);
	release();
	ck_assert_uint_lt(strlen(captured), 10000);
	ck_assert_int_eq(captured[strlen(captured) - 1], '\n');
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");

	tcase_add_loop_test(t, a_digest_is_the_published_one, 0,
			    sizeof(digests) / sizeof(digests[0]));
	tcase_add_test(t, an_algorithm_we_lack_is_refused);
	tcase_add_test(t, an_unknown_digest_equals_nothing);
	tcase_add_test(t, a_key_has_the_start_of_its_sha256);
	tcase_add_test(t, an_error_is_one_escaped_sentence);
	tcase_add_test(t, an_error_is_cut_rather_than_lost);
	tcase_add_test(t, an_arena_keeps_what_it_gave);
	tcase_add_test(t, an_arena_copies_bytes);
	tcase_add_test(t, a_log_line_is_one_line);
	tcase_add_test(t, a_log_line_may_be_json);
	tcase_add_test(t, hooks_stand_around_a_line_and_secrets_are_blanked);
	tcase_add_test(t, a_long_line_is_cut);
	suite_add_tcase(s, t);
	return run_tap(s);
}
