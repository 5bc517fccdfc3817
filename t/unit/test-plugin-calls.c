/* SPDX-License-Identifier: MIT */
/* What the core does with plugins that answer what they may not. */
#include "plugin/end.h"

#include "base/bytes.h"
#include "plugin-fixture.h"
#include "plugin/stream.h"
#include "tap.h"

#include <poll.h>
#include <unistd.h>

static struct list_page page = LIST_PAGE_INIT;

static void blamed(enum migrate_status status, const char *why)
{
	ck_assert_int_eq(status, MIGRATE_FATAL);
	ck_assert_msg(strstr(session_message(session), "plugin 'fake' is broken") &&
			  strstr(session_message(session), why),
		      "'%s' does not say '%s'", session_message(session), why);
}

static enum migrate_status list(uint32_t limit, const char *prefix, const char *after)
{
	struct migrate_list r = { .prefix = bytes_of_text(prefix),
				  .after = bytes_of_text(after),
				  .limit = limit };

	return store_list(session, &r, &page);
}

static int well(void *r)
{
	(void)r;
	return MIGRATE_OK;
}

static int no_status(void *r)
{
	(void)r;
	return 77;
}

START_TEST(a_status_that_is_none)
{
	act = no_status;
	blamed(end_probe(session, false), "it answered 77, which is no status");
}
END_TEST

static int with_message(void *request)
{
	struct migrate_probe *r = request;

	migrate_retry_after(r->session, 250);
	return (int)migrate_fail(r->session, MIGRATE_DENIED, "who are you\033[2J, %s", "stranger");
}

START_TEST(messages_are_escaped_and_forgotten)
{
	struct error err = ERROR_INIT;

	act = with_message;
	ck_assert_int_eq(end_probe(session, false), MIGRATE_DENIED);
	ck_assert_str_eq(session_message(session), "who are you\\x1b[2J, stranger");
	ck_assert_int_eq(session_retry_after(session), 250);
	ck_assert_int_eq(session_error(&err, EXIT_OUTAGE, session, MIGRATE_DENIED), -1);
	ck_assert_str_eq(err.text, "source: denied: who are you\\x1b[2J, stranger");
	act = well;
	ck_assert_int_eq(end_probe(session, false), MIGRATE_OK);
	ck_assert_str_eq(session_message(session), "");
	ck_assert_int_eq(session_retry_after(session), 0);
}
END_TEST

static int two_lines(void *r)
{
	migrate_set_identity(r, "a\nb");
	return MIGRATE_OK;
}

START_TEST(identities_are_one_line)
{
	char *identity;

	act = well;
	blamed(end_identity(session, &identity), "set no identity");
	ck_assert_ptr_null(identity);
	act = two_lines;
	blamed(end_identity(session, &identity), "more than one line");
	ck_assert_ptr_null(identity);
}
END_TEST

/* ---- Listing ---- */

static const char *const *listed_keys;
static uint64_t listed_flags;

static int emit_keys(void *request)
{
	struct migrate_list *r = request;

	for (size_t i = 0; listed_keys[i]; i++)
		if (!migrate_emit_object(r, listed_keys[i], strlen(listed_keys[i])))
			return MIGRATE_CANCELLED;
	r->done = true;
	return MIGRATE_OK;
}

static int tell_flags(void *request)
{
	((struct migrate_describe *)request)->flags = listed_flags;
	return MIGRATE_OK;
}

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static enum migrate_status list_keys(uint64_t flags, const char *const *keys, uint32_t limit,
				     const char *prefix, const char *after)
{
	struct store_facts facts;

	listed_flags = flags;
	listed_keys = keys;
	act = tell_flags;
	ck_assert_int_eq(store_describe(session, &facts), MIGRATE_OK);
	store_facts_release(&facts);
	act = emit_keys;
	return list(limit, prefix, after);
}

START_TEST(pages_are_held_to_the_request)
{
	ck_assert_int_eq(list_keys(MIGRATE_ORDERED, KEYS("a", "b"), 2, "", ""), MIGRATE_OK);
	ck_assert_uint_eq(page.n, 2);
	ck_assert(page.done && page.items[0]->object.mtime == INT64_MIN);
	blamed(list_keys(MIGRATE_ORDERED, KEYS("a", "b"), 1, "", ""), "more than the 1 objects");
	blamed(list_keys(MIGRATE_ORDERED, KEYS("b", "a"), 9, "", ""), "out of order");
	blamed(list_keys(MIGRATE_ORDERED, KEYS("a", "a"), 9, "", ""), "out of order");
	blamed(list_keys(MIGRATE_ORDERED, KEYS("a"), 9, "", "a"), "not after the one asked for");
	blamed(list_keys(0, KEYS("a"), 9, "b", ""), "outside the prefix");
	blamed(list_keys(0, KEYS(""), 9, "", ""), "a key of 0 bytes");
	ck_assert_int_eq(list_keys(0, KEYS("b", "a"), 9, "", ""), MIGRATE_OK);
}
END_TEST

static int long_key(void *request)
{
	static char key[MIGRATE_KEY_MAX + 1];

	return migrate_emit_object(request, key, sizeof(key)) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

static int null_key(void *request)
{
	return migrate_emit_object(request, NULL, 3) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

static int long_cursor(void *request)
{
	static char cursor[MIGRATE_CURSOR_MAX + 1];

	return migrate_set_cursor(request, cursor, sizeof(cursor)) ? MIGRATE_OK : MIGRATE_FATAL;
}

static int foreign_etag(void *request)
{
	struct migrate_list *r = request;
	struct migrate_object *o = migrate_emit_object(r, "a", 1);

	o->etag = BYTES("mine");
	r->done = true;
	return MIGRATE_OK;
}

static const struct {
	int (*act)(void *);
	const char *why;
} lies[] = {
	{ long_key, "a key of 65536 bytes" },
	{ null_key, "a key of 3 bytes" },
	{ well, "sets no cursor" }, /* not done, and no cursor */
	{ long_cursor, "a cursor of 4097 bytes" },
	{ foreign_etag, "without migrate_set_etag()" },
};

START_TEST(lists_that_cannot_be)
{
	act = lies[_i].act;
	blamed(list(10, "", ""), lies[_i].why);
}
END_TEST

/* ---- Objects ---- */

static int stat_object(void *request)
{
	struct migrate_stat *r = request;

	ck_assert_ptr_nonnull(r->object);
	migrate_set_etag(r->object, "e1", 2);
	ck_assert(!migrate_set_etag(r->object, "e", MIGRATE_ETAG_MAX + 1));
	migrate_set_digest(r->object, MIGRATE_MD5, "short", 5);
	ck_assert_uint_eq(r->object->digests[MIGRATE_MD5].n, 0);
	return MIGRATE_OK;
}

START_TEST(objects_are_filled_by_setters)
{
	struct object_slot slot;
	struct migrate_stat r = { .key = BYTES("a"), .object = &slot.object };

	object_slot_init(&slot, NULL);
	act = stat_object;
	ck_assert_int_eq(store_stat(session, &r), MIGRATE_OK);
	ck_assert(bytes_equal(slot.object.etag, BYTES("e1")));
	r.object = NULL; /* a caller who does not care */
	ck_assert_int_eq(store_stat(session, &r), MIGRATE_OK);
}
END_TEST

static int emits_in_probe(void *request)
{
	struct migrate_list r = { .session = ((struct migrate_probe *)request)->session,
				  .limit = 5 };

	ck_assert_ptr_null(migrate_emit_object(&r, "a", 1));
	ck_assert(!migrate_set_cursor(&r, "a", 1));
	return MIGRATE_OK;
}

START_TEST(functions_of_other_calls_do_nothing)
{
	act = emits_in_probe;
	ck_assert_int_eq(end_probe(session, false), MIGRATE_OK);
}
END_TEST

static int too_much(void *request)
{
	struct migrate_get *r = request;

	return migrate_sink_write(r->sink, "123456", 6) ? MIGRATE_OK : MIGRATE_CANCELLED;
}

/* As a loop around read(2) does: the last round finds the end. */
static int read_to_the_end(void *request)
{
	struct migrate_get *r = request;
	size_t n, left = 5;
	void *p;

	while ((p = migrate_sink_space(r->sink, &n)) && left) {
		n = n < left ? n : left;
		memset(p, 'x', n);
		ck_assert(migrate_sink_filled(r->sink, n));
		left -= n;
	}
	return p ? MIGRATE_OK : MIGRATE_CANCELLED;
}

START_TEST(an_object_that_grew_is_changed)
{
	struct migrate_sink *sink = sink_memory();
	struct migrate_get r = { .key = BYTES("a"), .length = UINT64_MAX, .sink = sink };
	char five[5];

	act = too_much;
	sink_memory_begin(sink, session, five, sizeof(five), NULL, NULL);
	ck_assert_int_eq(store_get(session, &r), MIGRATE_CHANGED);
	act = read_to_the_end;
	sink_memory_begin(sink, session, five, sizeof(five), NULL, NULL);
	ck_assert_int_eq(store_get(session, &r), MIGRATE_OK);
	ck_assert_uint_eq(sink_memory_count(sink), 5);
	sink_free(sink);
}
END_TEST

static int stores_less(void *request)
{
	((struct migrate_put *)request)->object->size = 3;
	return MIGRATE_OK;
}

static int uses_too_much(void *request)
{
	struct migrate_put *r = request;

	r->object->size = r->size;
	migrate_body_used(r->body, 1000);
	return MIGRATE_OK;
}

START_TEST(a_put_must_store_what_it_got)
{
	struct migrate_body *body = body_memory();
	struct migrate_put r = { .key = BYTES("a"), .size = 4, .body = body };

	body_memory_begin(body, session, "four", 4);
	act = stores_less;
	blamed(store_put(session, &r), "it stored 3 of 4 bytes");
	act = uses_too_much;
	blamed(store_put(session, &r), "it used 1000 bytes of a span of 0");
	body_free(body);
}
END_TEST

START_TEST(each_removal_needs_a_status)
{
	struct migrate_removal one = { .key = BYTES("a") };
	struct migrate_removal *list[] = { &one };
	struct migrate_remove r = { .objects = list, .count = 1 };

	act = well;
	blamed(store_remove(session, &r), "removal 0 has no status");
}
END_TEST

START_TEST(what_is_absent_is_unsupported)
{
	struct migrate_abort abort = { .key = BYTES("a") };

	ck_assert_int_eq(store_abort(session, &abort), MIGRATE_UNSUPPORTED);
	ck_assert_int_eq(store_sync(session), MIGRATE_OK);
	ck_assert_int_eq(store_accepts(session, BYTES("a")), MIGRATE_OK);
	ck_assert(!store_can_copy(session, other));
}
END_TEST

/* ---- Waiting ---- */

static int busy;

static void count_busy(void *arg, struct migrate_session *s, const char *operation, int64_t stalled)
{
	(void)arg;
	ck_assert_ptr_eq(s, session);
	ck_assert_str_eq(operation, "probe");
	ck_assert(stalled >= 0);
	busy++;
}

static int waits(void *request)
{
	struct migrate_session *s = ((struct migrate_probe *)request)->session;
	int pipes[2];

	end_each_busy(end, count_busy, NULL);
	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(migrate_wait(s, pipes[0], POLLIN, 1), 0);
	ck_assert_int_eq(write(pipes[1], "x", 1), 1);
	ck_assert_int_eq(migrate_wait(s, pipes[0], POLLIN, -1), POLLIN);
	host_cancel(&host);
	ck_assert_int_eq(migrate_wait(s, -1, 0, 60000), -1);
	close(pipes[0]);
	close(pipes[1]);
	return migrate_cancelled(s) ? MIGRATE_CANCELLED : MIGRATE_OK;
}

static int parts_without_end(void *request)
{
	struct migrate_parts *r = request;
	uint32_t i = 1;

	while (migrate_emit_part(r, i, 1, "t", 1))
		i++;
	ck_assert_uint_lt(i, 1000000);
	return MIGRATE_CANCELLED;
}

static int uploads_without_end(void *request)
{
	struct migrate_uploads *r = request;
	unsigned int i = 0;

	while (migrate_emit_upload(r, "k", 1, "u", 1))
		i++;
	ck_assert_uint_lt(i, 1000000);
	return MIGRATE_CANCELLED;
}

START_TEST(what_is_kept_of_an_answer_has_an_end)
{
	struct part_list parts = { .arena = ARENA_INIT };
	struct upload_list uploads = { .arena = ARENA_INIT };
	struct migrate_parts p = { .session = NULL };
	struct migrate_uploads u = { .session = NULL };

	act = parts_without_end;
	ck_assert_int_eq(store_parts(session, &p, &parts), MIGRATE_INVALID);
	ck_assert_ptr_nonnull(strstr(session_message(session), "more than 100000 parts"));
	act = uploads_without_end;
	ck_assert_int_eq(store_uploads(session, &u, &uploads), MIGRATE_INVALID);
	ck_assert_ptr_nonnull(strstr(session_message(session), "more than 65536 unfinished"));
	part_list_release(&parts);
	upload_list_release(&uploads);
}
END_TEST

static int too_large(void *request)
{
	struct migrate_stat *r = request;

	r->object->size = (uint64_t)INT64_MAX + 1;
	return MIGRATE_OK;
}

START_TEST(an_object_has_a_size_that_can_be_counted)
{
	struct migrate_stat r = { .object = NULL };

	act = too_large;
	blamed(store_stat(session, &r), "it told of an object of 9223372036854775808 bytes");
}
END_TEST

static int long_reason(void *request)
{
	char why[5000];

	memset(why, 'w', sizeof(why) - 1);
	why[0] = '\033';
	why[sizeof(why) - 1] = '\0';
	migrate_emit_failed(request, "k", 1, MIGRATE_DENIED, why);
	((struct migrate_list *)request)->done = true;
	return MIGRATE_OK;
}

START_TEST(reasons_are_cut_and_escaped)
{
	act = long_reason;
	ck_assert_int_eq(list(10, "", ""), MIGRATE_OK);
	ck_assert_uint_eq(page.n, 1);
	ck_assert_uint_lt(strlen(page.items[0]->message), 1024);
	ck_assert_mem_eq(page.items[0]->message, "\\x1bwww", 7);
}
END_TEST

START_TEST(waiting_ends_with_time_data_or_cancel)
{
	busy = 0;
	act = waits;
	ck_assert_int_eq(end_probe(session, false), MIGRATE_CANCELLED);
	ck_assert_int_eq(busy, 1);
	host_resume(&host);
	end_each_busy(end, count_busy, NULL);
	ck_assert_int_eq(busy, 1);
	ck_assert_str_eq(migrate_job_id(session), "0123456789abcdef");
	ck_assert_int_eq(migrate_deadline(session), 1000);
}
END_TEST

static int loses(void *request)
{
	struct migrate_put *r = request;

	migrate_lost_attribute(r->session, "acl");
	migrate_lost_attribute(r->session, "tag:a");
	for (int i = 0; i < 10000; i++)
		migrate_lost_attribute(r->session, "xattr:user.something-long");
	r->object->size = r->size;
	return MIGRATE_OK;
}

START_TEST(lost_attributes_are_listed)
{
	struct migrate_put r = { .key = BYTES("a"), .size = 4 };

	act = loses;
	ck_assert_int_eq(store_put(session, &r), MIGRATE_OK);
	ck_assert_msg(!strncmp(session_lost(session), "acl, tag:a, xattr:user.", 23), "%s",
		      session_lost(session));
	ck_assert(strlen(session_lost(session)) < 4096);
	act = well;
	end_probe(session, false);
	ck_assert_str_eq(session_lost(session), "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plugin-calls");
	TCase *t = tcase_create("plugin-calls");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_status_that_is_none);
	tcase_add_test(t, messages_are_escaped_and_forgotten);
	tcase_add_test(t, identities_are_one_line);
	tcase_add_test(t, pages_are_held_to_the_request);
	tcase_add_loop_test(t, lists_that_cannot_be, 0, sizeof(lies) / sizeof(lies[0]));
	tcase_add_test(t, objects_are_filled_by_setters);
	tcase_add_test(t, functions_of_other_calls_do_nothing);
	tcase_add_test(t, an_object_that_grew_is_changed);
	tcase_add_test(t, a_put_must_store_what_it_got);
	tcase_add_test(t, each_removal_needs_a_status);
	tcase_add_test(t, what_is_absent_is_unsupported);
	tcase_add_test(t, waiting_ends_with_time_data_or_cancel);
	tcase_add_test(t, what_is_kept_of_an_answer_has_an_end);
	tcase_add_test(t, an_object_has_a_size_that_can_be_counted);
	tcase_add_test(t, reasons_are_cut_and_escaped);
	tcase_add_test(t, lost_attributes_are_listed);
	suite_add_tcase(s, t);
	return run_tap(s);
}
