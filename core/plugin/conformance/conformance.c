/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include "plugin/end-impl.h"

#include <stdio.h>
#include <string.h>

bool broken(struct battery *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(b->why, sizeof(b->why), format, ap);
	va_end(ap);
	return false;
}

bool answered(struct hand *h, const char *call, enum migrate_status wanted, enum migrate_status got)
{
	const char *message = session_message(h->s);

	return broken(h->b, "%s answered %s instead of %s%s%s", call, status_name(got),
		      status_name(wanted), *message ? ": " : "", message);
}

int hand_init(struct hand *h, struct battery *b, struct error *err)
{
	h->b = b;
	h->sink = sink_memory();
	h->body = body_memory();
	h->sent = attributes_new();
	h->got = attributes_new();
	h->buffer = malloc(BUFFER_SIZE);
	if (!h->sink || !h->body || !h->sent || !h->got || !h->buffer)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	h->s = session_open(b->end, err);
	return h->s ? 0 : -1;
}

void hand_release(struct hand *h)
{
	session_close(h->s);
	sink_free(h->sink);
	body_free(h->body);
	attributes_free(h->sent);
	attributes_free(h->got);
	free(h->buffer);
	*h = (struct hand){ .b = NULL };
}

static struct migrate_bytes key_in(char *key, size_t size, const char *prefix, const char *name)
{
	int n = snprintf(key, size, "%s%s", prefix, name);

	return bytes_of(key, n > 0 ? (size_t)n : 0);
}

struct migrate_bytes key_of(struct hand *h, const char *name)
{
	return key_in(h->key, sizeof(h->key), h->b->prefix, name);
}

struct migrate_bytes key2_of(struct hand *h, const char *name)
{
	return key_in(h->key2, sizeof(h->key2), h->b->prefix, name);
}

static unsigned char pattern_at(unsigned int seed, size_t i)
{
	return (unsigned char)((seed + 1) * 2654435761u * (unsigned int)(i / 251 + 1) >> 13 ^ i);
}

struct migrate_bytes pattern(struct hand *h, unsigned int seed, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h->buffer[i] = pattern_at(seed, i);
	return bytes_of(h->buffer, n);
}

bool is_pattern(const unsigned char *bytes, unsigned int seed, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != pattern_at(seed, i))
			return false;
	return true;
}

struct migrate_bytes keep_etag(const struct object_slot *slot, unsigned char etag[MIGRATE_ETAG_MAX])
{
	if (slot->object.etag.n)
		memcpy(etag, slot->object.etag.p, slot->object.etag.n);
	return bytes_of(etag, slot->object.etag.n);
}

/* A message of a plugin is escaped already; '#' would begin a directive in a TAP line. */
static void report_trial(struct battery *b, const struct trial *t, const char *lacks, bool holds)
{
	unsigned int n = ++b->result->tried;

	if (lacks) {
		b->result->skipped++;
		fprintf(b->out, "ok %u - %s # SKIP %s\n", n, t->promise, lacks);
	} else if (holds) {
		fprintf(b->out, "ok %u - %s\n", n, t->promise);
	} else {
		b->result->failed++;
		fprintf(b->out, "not ok %u - %s\n# %s\n", n, t->promise, b->why);
	}
	fflush(b->out);
}

static void try_trials(struct battery *b, const struct trials *group)
{
	for (size_t i = 0; i < group->n; i++) {
		const struct trial *t = &group->items[i];
		const char *lacks = t->lacks ? t->lacks(b) : NULL;

		snprintf(b->prefix, sizeof(b->prefix), "t%03u/", b->result->tried + 1);
		b->why[0] = '\0';
		report_trial(b, t, lacks, !lacks && t->holds(b));
	}
}

static int is_empty_store(struct battery *b, struct error *err)
{
	struct hand *h = &b->hands[0];
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .limit = 1 };
	enum migrate_status status;
	int result = 0;

	if (!b->store->list)
		return 0;
	status = store_list(h->s, &r, &page);
	if (status != MIGRATE_OK)
		result = session_error(err, EXIT_USAGE, h->s, status);
	else if (page.n)
		result = error_set(err, EXIT_USAGE,
				   "the store is not empty: the battery writes and removes, so it "
				   "wants a place of its own");
	list_page_release(&page);
	return result;
}

static int is_empty_table(struct battery *b, struct error *err)
{
	struct hand *h = &b->hands[0];
	uint64_t rows = 0;
	enum migrate_status status = database_count(h->s, &rows);

	if (status != MIGRATE_OK)
		return session_error(err, EXIT_USAGE, h->s, status);
	if (rows)
		return error_set(err, EXIT_USAGE,
				 "the table is not empty: the battery inserts and changes rows, so "
				 "it wants a table of its own");
	return 0;
}

static int prepare_battery(struct battery *b, enum migrate_kind kind, struct error *err)
{
	enum migrate_status status = MIGRATE_OK;
	struct hand *h = &b->hands[0];

	for (size_t i = 0; i < HANDS; i++)
		if (hand_init(&b->hands[i], b, err) < 0)
			return -1;
	b->digest = digest_new();
	if (!b->digest)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	if (kind == MIGRATE_STORE)
		status = store_describe(h->s, &b->facts);
	else if (kind == MIGRATE_DATABASE)
		status = database_describe(h->s, &b->database);
	if (status != MIGRATE_OK)
		return session_error(err, EXIT_USAGE, h->s, status);
	if (kind == MIGRATE_STORE)
		return is_empty_store(b, err);
	return kind == MIGRATE_DATABASE ? is_empty_table(b, err) : 0;
}

static void try_kind(struct battery *b, enum migrate_kind kind)
{
	static const struct trials *const store[] = {
		&trials_objects, &trials_writes, &trials_listing, &trials_awkward,
		&trials_uploads, &trials_copies, &trials_measure, &trials_threads,
	};

	for (size_t i = 0; kind == MIGRATE_STORE && i < sizeof(store) / sizeof(store[0]); i++)
		try_trials(b, store[i]);
	if (kind == MIGRATE_DATABASE) {
		try_trials(b, &trials_rows);
		try_trials(b, &trials_rewrites);
		try_trials(b, &trials_reads);
	}
	if (kind == MIGRATE_CACHE)
		try_trials(b, &trials_cache);
	fprintf(b->out, "1..%u\n", b->result->tried);
}

/* What is left goes, as far as the store can list and remove. */
static void clear_store(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct list_page page = LIST_PAGE_INIT;

	while (b->store && b->store->list && b->store->remove) {
		struct migrate_list r = { .limit = 100 };
		size_t removed = 0;

		if (store_list(h->s, &r, &page) != MIGRATE_OK || !page.n)
			break;
		for (size_t i = 0; i < page.n; i++)
			removed +=
			    page.items[i]->kind == LISTED_OBJECT &&
			    remove_key(h, page.items[i]->key, bytes_of(NULL, 0)) == MIGRATE_OK;
		if (!removed)
			break;
	}
	list_page_release(&page);
}

int conformance_run(struct host *host, struct end *e, FILE *out, struct conformance *result,
		    struct error *err)
{
	enum migrate_kind kind = (enum migrate_kind)end_plugin(e)->kind;
	struct battery *b = calloc(1, sizeof(*b));
	int status;

	*result = (struct conformance){ .tried = 0 };
	if (!b)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	b->host = host;
	b->end = e;
	b->out = out;
	b->result = result;
	b->store = kind == MIGRATE_STORE ? end_plugin(e)->store : NULL;
	status = prepare_battery(b, kind, err);
	if (status == 0) {
		try_kind(b, kind);
		clear_store(b);
	}
	for (size_t i = 0; i < HANDS; i++)
		hand_release(&b->hands[i]);
	store_facts_release(&b->facts);
	database_facts_release(&b->database);
	digest_free(b->digest);
	free(b);
	return status;
}
