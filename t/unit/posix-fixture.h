/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_TEST_POSIX_FIXTURE_H
#define MIGRATE_TEST_POSIX_FIXTURE_H

#include "../../plugins/posix/posix.h"
#include "base/bytes.h"
#include "plugin/end.h"
#include "plugin/stream.h"
#include "tap.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Two folders, source and destination, of one file system ($TMPDIR's), each an
 * open end with a session, as the core uses them.
 */
#define JOB "0123456789abcdef"

struct side {
	char root[96];
	int fd; /* of the root */
	struct end *end;
	struct migrate_session *session;
	struct posix_config config;
};

static struct {
	char folder[64];
	struct side src, dst;
	struct host host;
	struct error err;
	struct migrate_body *body;
	struct migrate_sink *sink;
	char bytes[65536];
} f;

static inline struct posix_session *self(const struct side *side)
{
	return session_self(side->session);
}

static inline void open_side(struct side *side, const char *name, bool writes)
{
	snprintf(side->root, sizeof(side->root), "%s/%s", f.folder, name);
	side->config.root = side->root;
	side->end = end_open(&f.host, name, migrate_plugin_v1(), &side->config, writes, &f.err);
	ck_assert_msg(side->end, "%s", f.err.text);
	side->session = session_open(side->end, &f.err);
	ck_assert_msg(side->session, "%s", f.err.text);
}

static inline void close_side(struct side *side)
{
	session_close(side->session);
	end_close(side->end);
}

/* What a shell is good at: making trees, in the test's folder. */
static inline void sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void sh(const char *format, ...)
{
	static char command[8192];
	va_list ap;
	int n = snprintf(command, sizeof(command), "cd '%s' && ", f.folder);

	va_start(ap, format);
	vsnprintf(command + n, sizeof(command) - (size_t)n, format, ap);
	va_end(ap);
	ck_assert_msg(!system(command), "%s", command);
}

static inline void setup(void)
{
	const char *tmp = getenv("TMPDIR");

	memset(&f, 0, sizeof(f));
	snprintf(f.folder, sizeof(f.folder), "%s/posix.XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(f.folder));
	ck_assert(!host_init(&f.host, JOB, 60000, &f.err));
	sh("mkdir src");
	open_side(&f.src, "src", false);
	open_side(&f.dst, "dst", true);
	f.body = body_memory();
	f.sink = sink_memory();
}

static inline void teardown(void)
{
	close_side(&f.src);
	close_side(&f.dst);
	host_release(&f.host);
	body_free(f.body);
	sink_free(f.sink);
	sh("cd / && chmod -R u+rwx '%s' && rm -rf '%s'", f.folder, f.folder);
}

#define ck_status(status_, wanted_)                                                                \
	do {                                                                                       \
		enum migrate_status got_ = (status_);                                              \
		ck_assert_msg(got_ == (wanted_), "%s instead of %s: %s%s", status_name(got_),      \
			      status_name(wanted_), session_message(f.dst.session),                \
			      session_message(f.src.session));                                     \
	} while (0)
#define ck_ok(status_) ck_status(status_, MIGRATE_OK)

static inline enum migrate_status put_with(const char *key, const char *text, uint32_t precondition,
					   struct migrate_bytes if_match,
					   const struct migrate_attributes *attributes,
					   uint32_t flags, struct object_slot *o)
{
	struct migrate_put r = { .key = bytes_of_text(key),
				 .size = strlen(text),
				 .body = f.body,
				 .attributes = attributes,
				 .precondition = precondition,
				 .flags = flags,
				 .if_match = if_match,
				 .object = &o->object };

	object_slot_init(o, NULL);
	body_memory_begin(f.body, f.dst.session, text, strlen(text));
	return store_put(f.dst.session, &r);
}

static inline enum migrate_status put(const char *key, const char *text, uint32_t precondition)
{
	struct object_slot o;

	return put_with(key, text, precondition, BYTES(""), NULL, 0, &o);
}

static inline enum migrate_status copy_as(const char *from, const char *to, uint32_t precondition,
					  uint32_t flags)
{
	struct object_slot stored, original;
	struct migrate_copy r = { .source_key = bytes_of_text(from),
				  .key = bytes_of_text(to),
				  .precondition = precondition,
				  .flags = flags,
				  .stored = &stored.object,
				  .original = &original.object };

	object_slot_init(&stored, NULL);
	object_slot_init(&original, NULL);
	return store_copy(f.dst.session, f.src.session, &r);
}

static inline enum migrate_status stat_of(struct side *side, const char *key, struct object_slot *o,
					  struct migrate_attributes *attributes)
{
	struct migrate_stat r = { .key = bytes_of_text(key), .object = &o->object };

	object_slot_init(o, attributes);
	return store_stat(side->session, &r);
}

/* The whole object into f.bytes; *n of them. */
static inline enum migrate_status get_from(struct side *side, const char *key, uint32_t flags,
					   struct migrate_bytes if_match, size_t *n)
{
	struct object_slot o;
	struct migrate_get r = { .key = bytes_of_text(key),
				 .if_match = if_match,
				 .length = UINT64_MAX,
				 .flags = flags,
				 .sink = f.sink,
				 .object = &o.object };
	enum migrate_status status;

	object_slot_init(&o, NULL);
	sink_memory_begin(f.sink, side->session, f.bytes, sizeof(f.bytes), NULL, NULL);
	status = store_get(side->session, &r);
	*n = sink_memory_count(f.sink);
	return status;
}

/* The destination holds exactly text under key. */
static inline void ck_holds(const char *key, const char *text)
{
	size_t n;

	ck_ok(get_from(&f.dst, key, 0, BYTES(""), &n));
	ck_assert_uint_eq(n, strlen(text));
	ck_assert(!memcmp(f.bytes, text, n));
}

/* Nothing at the destination but n regular files, of any name. */
static inline void ck_files(size_t n)
{
	sh("test $(find dst ! -type d | wc -l) -eq %zu || { find dst >&2; exit 1; }", n);
}

/* All that a listing says, one line each: "key", "skip N key", "fail STATUS key". */
struct listing {
	char *text;
	size_t len, size;
	FILE *out;
};

static inline void list_page_to(FILE *out, const struct list_page *page)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct listed *l = page->items[i];

		if (l->kind == LISTED_SKIPPED)
			fprintf(out, "skip %d ", l->skip);
		if (l->kind == LISTED_FAILED)
			fprintf(out, "fail %s ", status_name(l->status));
		fwrite(l->key.p, 1, l->key.n, out);
		fputc('\n', out);
	}
}

/* fresh: a session per page, as if each were another process. The caller frees the text. */
static inline char *list_all(const char *prefix, const char *after, uint32_t limit, bool fresh)
{
	struct migrate_list r = { .prefix = bytes_of_text(prefix), .after = bytes_of_text(after) };
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_session *s = f.src.session;
	static char cursor[MIGRATE_KEY_MAX];
	struct listing l = { .text = NULL };

	l.out = open_memstream(&l.text, &l.size);
	do {
		r.limit = limit;
		if (fresh)
			s = session_open(f.src.end, &f.err);
		ck_ok(store_list(s, &r, &page));
		if (fresh)
			session_close(s);
		ck_assert_uint_le(page.n, limit);
		list_page_to(l.out, &page);
		if (page.n) {
			const struct listed *last = page.items[page.n - 1];

			memcpy(cursor, last->key.p, last->key.n);
			r.after = bytes_of(cursor, last->key.n);
		}
	} while (!r.done);
	list_page_release(&page);
	fclose(l.out);
	return l.text;
}

#define ck_lists(prefix_, after_, limit_, wanted_)                                                 \
	do {                                                                                       \
		for (int fresh_ = 0; fresh_ < 2; fresh_++) {                                       \
			char *text_ = list_all(prefix_, after_, limit_, fresh_);                   \
			ck_assert_str_eq(text_, wanted_);                                          \
			free(text_);                                                               \
		}                                                                                  \
	} while (0)

static inline int run_tests(const char *name, void (*add)(TCase *))
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	add(t);
	suite_add_tcase(s, t);
	return run_tap(s);
}

#endif
