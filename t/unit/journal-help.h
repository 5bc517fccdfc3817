/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_T_UNIT_JOURNAL_HELP_H
#define MIGRATE_T_UNIT_JOURNAL_HELP_H

#include "base/bytes.h"
#include "base/clock.h"
#include "journal/backend.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the journal's tests share: a folder of their own, batches, a dump of all that is known. */

static char folder[256], path[300];
static struct error err; /* each test runs in a process of its own */
static const struct backend *kept_by = &journal_file_backend;

__attribute__((unused)) static int remove_one(const char *name, const struct stat *st, int flag,
					      struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(name);
}

__attribute__((unused)) static void setup(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%s/journal-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.journal", folder);
}

__attribute__((unused)) static void teardown(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#define WELL(call_)                                                                                \
	do {                                                                                       \
		ck_assert_msg((call_) == 0, "%s: %s", #call_, err.text);                           \
	} while (0)

__attribute__((unused)) static struct journal *open_as(enum journal_mode mode, struct error *e)
{
	struct journal_options o = { .place.path = path,
				     .mode = mode,
				     .create = true,
				     .place.allow_volatile = true,
				     .patience = 1000 };

	return journal_open_with(kept_by, &o, e);
}

__attribute__((unused)) static struct journal *open_run(void)
{
	struct journal *j = open_as(JOURNAL_RUN, &err);

	ck_assert_msg(j != NULL, "%s", err.text);
	return j;
}

__attribute__((unused)) static void refused(enum journal_mode mode, int status, const char *text)
{
	struct journal *j = open_as(mode, &err);

	ck_assert_ptr_null(j);
	ck_assert_msg(err.exit == status, "exit %d, not %d: %s", err.exit, status, err.text);
	ck_assert_msg(strstr(err.text, text) != NULL, "'%s' not in: %s", text, err.text);
}

/* n objects "k00000100", "k00000103", ... in steps from first. */
__attribute__((unused)) static struct batch *make_batch(int pass, enum batch_kind kind,
							unsigned first, unsigned step, uint32_t n)
{
	struct batch *b = batch_new();

	ck_assert_ptr_nonnull(b);
	b->pass = pass;
	b->kind = kind;
	b->n = n;
	b->objects = arena_alloc(&b->arena, (n ? n : 1) * sizeof(*b->objects));
	for (uint32_t i = 0; i < n; i++) {
		struct object_record *o = &b->objects[i];

		o->key = bytes_of_text(arena_printf(&b->arena, "k%08u", first + i * step));
		o->new_key = bytes_of_text(arena_printf(&b->arena, "new/%u", first + i * step));
		o->size = 100 + i;
		o->mtime = 1700000000123456789 + i;
		o->etag = bytes_of_text(arena_printf(&b->arena, "etag-%d-%u", pass, i));
	}
	return b;
}

/* All that the journal knows of objects and rows, as text. */
__attribute__((unused)) static void dump_object(FILE *f, const struct object_record *o)
{
	fprintf(f, "%.*s>%.*s %llu %lld %.*s %.*s %u:%u:%u %u %u %u %u %u %u %s %lld %u\n",
		(int)o->key.n, (const char *)o->key.p, (int)o->new_key.n,
		o->new_key.n ? (const char *)o->new_key.p : "", (unsigned long long)o->size,
		(long long)o->mtime, (int)o->etag.n, o->etag.n ? (const char *)o->etag.p : "",
		(int)o->stored.n, o->stored.n ? (const char *)o->stored.p : "", o->digest.algorithm,
		o->digest.n, o->digest.bytes[0], o->state, o->created, o->level, o->fail,
		o->attempts, o->hung, o->message ? o->message : "-", (long long)o->moved_batch,
		o->moved_n);
}

__attribute__((unused)) static int dump_chunks(FILE *f, struct journal *j, int64_t batch,
					       struct error *e)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct chunk *chunks;
	size_t n;

	if (journal_chunks(j, batch, &a, &chunks, &n, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "chunk %lld %u %d\n", (long long)chunks[i].id, chunks[i].database,
			chunks[i].settled);
		for (uint32_t r = 0; r < chunks[i].n; r++)
			fprintf(f, "row %u %.*s %.*s %u %s\n", chunks[i].rows[r].object,
				(int)chunks[i].rows[r].before.n,
				(const char *)chunks[i].rows[r].before.p,
				(int)chunks[i].rows[r].after.n,
				(const char *)chunks[i].rows[r].after.p, chunks[i].rows[r].outcome,
				chunks[i].rows[r].message ? chunks[i].rows[r].message : "-");
	}
	return 0;
}

__attribute__((unused)) static int dump_head(FILE *f, struct journal *j, struct error *e)
{
	ARENA_AUTO struct arena a = ARENA_INIT;
	struct journal_job job;
	struct journal_pass pass;
	struct journal_run run;

	if (journal_get_job(j, &job, e))
		return -1;
	fprintf(f, "job %d %s %s\n", job.exists, job.fingerprint,
		job.canonical ? job.canonical : "");
	journal_job_release(&job);
	if (journal_last_pass(j, &a, &pass, e) || journal_last_run(j, &run, e))
		return -1;
	fprintf(f, "pass %d %d %.*s run %lld %d\n", pass.number, pass.state, (int)pass.cursor.n,
		pass.cursor.n ? (const char *)pass.cursor.p : "", (long long)run.id, run.exit);
	return 0;
}

/* malloc'ed; NULL: err says why. */
__attribute__((unused)) static char *dump(struct journal *j, struct error *e)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct batch *b;
	int64_t at = 0;
	int failed = dump_head(f, j, e);

	while (!failed && (b = journal_next_batch(j, at, e))) {
		at = b->id;
		fprintf(f, "batch %lld %d %d %d %lld %u failed %llu changed %llu\n", (long long)at,
			b->pass, b->kind, b->state, (long long)b->began, b->n,
			(unsigned long long)b->counts.failed,
			(unsigned long long)b->counts.rows_changed);
		for (uint32_t i = 0; i < b->n; i++)
			dump_object(f, &b->objects[i]);
		batch_free(b);
		failed = dump_chunks(f, j, at, e);
	}
	fclose(f);
	if (!error_is_set(e))
		return text;
	free(text);
	return NULL;
}

/* Rows for all objects of a batch; in its arena. */
__attribute__((unused)) static void make_chunk(struct batch *b, struct chunk *c)
{
	memset(c, 0, sizeof(*c));
	c->n = b->n;
	c->rows = arena_alloc(&b->arena, b->n * sizeof(*c->rows));
	for (uint32_t i = 0; i < b->n; i++) {
		struct row_record *r = &c->rows[i];

		r->object = i;
		r->identity = bytes_of_text(arena_printf(&b->arena, "id%u", i));
		r->place = BYTES("path");
		r->before = b->objects[i].key;
		r->after = b->objects[i].new_key;
		r->text = arena_printf(&b->arena, "id=%u", i);
		r->outcome = MIGRATE_ROW_CHANGED;
	}
}

/* ---- Small disks ---- */

static bool tell_kernel(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool told = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return told;
}

/* Who is not root may mount what he likes in a namespace of his own, under his own ids. */
static bool leave_for_a_namespace(void)
{
	char users[64], groups[64];

	snprintf(users, sizeof(users), "%u %u 1", geteuid(), geteuid());
	snprintf(groups, sizeof(groups), "%u %u 1", getegid(), getegid());
	return !unshare(CLONE_NEWUSER) && tell_kernel("/proc/self/uid_map", users) &&
	       tell_kernel("/proc/self/setgroups", "deny") &&
	       tell_kernel("/proc/self/gid_map", groups);
}

/* A tmpfs of 4 MiB over the folder, for this process alone. */
__attribute__((unused)) static bool mount_small(void)
{
	if (geteuid() && !leave_for_a_namespace())
		return false;
	return !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("none", folder, "tmpfs", 0, "size=4m");
}

/* Asked by a process that is thrown away. */
static bool small_disks_can_be_made(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		snprintf(folder, sizeof(folder), "/proc"); /* any folder will do */
		_exit(mount_small() ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* ---- Running ---- */

/* Check knows no skips: what cannot be tried is told beside what it says. */
static const char *left_out[16];
static unsigned left_out_count;

__attribute__((unused)) static void add_with_small_disk(TCase *t, const TTest *test,
							const char *name)
{
	static int can = -1;

	if (can < 0)
		can = small_disks_can_be_made();
	if (can)
		tcase_add_test(t, test);
	else
		left_out[left_out_count++] = name;
}
#define ADD_WITH_SMALL_DISK(case_, test_) add_with_small_disk(case_, test_, #test_)

/* What Check said, with the skips before its plan, which is the last line. */
static void tell_tap(FILE *said)
{
	char line[4096];
	unsigned n = 0;

	rewind(said);
	while (fgets(line, sizeof(line), said)) {
		if (sscanf(line, "1..%u", &n) != 1) {
			fputs(line, stdout);
			continue;
		}
		for (unsigned i = 0; i < left_out_count; i++)
			printf("ok %u - %s # SKIP no tmpfs can be mounted here\n", ++n,
			       left_out[i]);
		printf("1..%u\n", n);
	}
}

static void add_case(Suite *s, const char *name, void (*prepare)(void), void (*add)(TCase *t))
{
	TCase *t = tcase_create(name);

	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, prepare, teardown);
	add(t);
	suite_add_tcase(s, t);
}

static int run_cases(Suite *s)
{
	SRunner *r = srunner_create(s);
	FILE *said = tmpfile();
	char tap[64];
	int failed;

	if (!said)
		return EXIT_FAILURE;
	snprintf(tap, sizeof(tap), "/proc/self/fd/%d", fileno(said));
	srunner_set_tap(r, tap);
	srunner_run_all(r, CK_SILENT);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	tell_tap(said);
	fclose(said);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

__attribute__((unused)) static int run_suite(const char *name, void (*add)(TCase *t))
{
	Suite *s = suite_create(name);

	add_case(s, name, setup, add);
	return run_cases(s);
}

#endif
