/* SPDX-License-Identifier: MIT */
#include "engine/probe/probe-impl.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/escape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKEW_BAD (60 * NS_PER_S)

/* ---- Findings ---- */

void finds(struct prober *p, const char *name, enum migrate_verdict verdict, const char *follows,
	   const char *said, ...)
{
	char text[1024];
	va_list ap;

	if (said) {
		va_start(ap, said);
		vsnprintf(text, sizeof(text), said, ap);
		va_end(ap);
	}
	findings_add(&p->out->findings, name, verdict, said ? text : NULL, follows);
}

void finds_trouble(struct prober *p, const char *name, enum migrate_status status)
{
	const char *message = session_message(p->s);

	finds(p, name, MIGRATE_FINDS_UNKNOWN, NULL, "%s%s%s", status_name(status),
	      *message ? ": " : "", message);
}

bool is_hopeless(struct prober *p, enum migrate_status status)
{
	if (migrate_cancelled(p->s)) {
		p->out->cancelled = true;
		return true;
	}
	if (!status_is_systemic(status))
		return false;
	p->out->broken = arena_printf(&p->out->findings.arena, "%s: %s", status_name(status),
				      session_message(p->s));
	return true;
}

/* ---- Scratch objects ---- */

struct migrate_bytes scratch_key(struct prober *p, const void *end, size_t n)
{
	size_t head = strlen(p->out->prefix), cap = p->key_cap * 2 + 64;
	char *key = arena_alloc(&p->arena, head + 1 + n);
	struct migrate_bytes *keys;

	if (!key)
		return bytes_of(NULL, 0);
	memcpy(key, p->out->prefix, head);
	key[head] = '-';
	memcpy(key + head + 1, end, n);
	for (size_t i = 0; i < p->key_count; i++)
		if (bytes_equal(p->keys[i], bytes_of(key, head + 1 + n)))
			return p->keys[i];
	if (p->key_count == p->key_cap) {
		keys = reallocarray(p->keys, cap, sizeof(*keys));
		if (!keys)
			return bytes_of(NULL, 0);
		p->keys = keys;
		p->key_cap = cap;
	}
	p->keys[p->key_count++] = bytes_of(key, head + 1 + n);
	return p->keys[p->key_count - 1];
}

void fill_pattern(unsigned char *bytes, unsigned int seed, size_t n)
{
	uint32_t x = seed * 2654435761U + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525U + 1013904223U;
		bytes[i] = (unsigned char)(x >> 24);
	}
}

enum migrate_status try_put(struct prober *p, struct migrate_bytes key, unsigned int seed, size_t n,
			    enum migrate_precondition precondition, struct migrate_bytes if_match)
{
	struct migrate_put r = { .key = key,
				 .size = n,
				 .body = p->body,
				 .attributes = p->sent,
				 .precondition = precondition,
				 .if_match = if_match,
				 .object = &p->slot.object };
	enum migrate_status status;

	fill_pattern(p->bytes, seed, n);
	body_memory_begin(p->body, p->s, p->bytes, n);
	object_slot_init(&p->slot, NULL);
	status = store_put(p->s, &r);
	p->out->written += status == MIGRATE_OK;
	return status;
}

enum migrate_status try_stat(struct prober *p, struct migrate_bytes key)
{
	struct migrate_stat r = { .key = key, .object = &p->slot.object };

	object_slot_init(&p->slot, NULL);
	return store_stat(p->s, &r);
}

enum migrate_status try_get(struct prober *p, struct migrate_bytes key, uint64_t offset,
			    uint64_t length, struct migrate_bytes if_match, size_t *n)
{
	struct migrate_get r = { .key = key,
				 .if_match = if_match,
				 .offset = offset,
				 .length = length,
				 .sink = p->sink,
				 .object = &p->other.object };
	enum migrate_status status;

	object_slot_init(&p->other, NULL);
	sink_memory_begin(p->sink, p->s, p->buffer, PROBE_BUFFER, NULL, NULL);
	status = store_get(p->s, &r);
	*n = sink_memory_count(p->sink);
	return status;
}

enum migrate_status try_holds(struct prober *p, struct migrate_bytes key, unsigned int seed,
			      size_t n)
{
	enum migrate_status status;
	size_t got;

	if (!p->ops->get)
		return MIGRATE_UNSUPPORTED;
	status = try_get(p, key, 0, UINT64_MAX, bytes_of(NULL, 0), &got);
	fill_pattern(p->bytes, seed, n);
	if (status != MIGRATE_OK)
		return status;
	return got == n && !memcmp(p->bytes, p->buffer, n) ? MIGRATE_OK : MIGRATE_CHANGED;
}

enum migrate_status try_remove(struct prober *p, struct migrate_bytes key,
			       struct migrate_bytes if_match)
{
	struct migrate_removal one = { .key = key, .if_match = if_match };
	struct migrate_removal *const list[] = { &one };
	struct migrate_remove r = { .objects = list, .count = 1 };
	enum migrate_status status = store_remove(p->s, &r);

	return status == MIGRATE_OK ? (enum migrate_status)one.status : status;
}

struct migrate_bytes etag_kept(struct prober *p, const struct object_slot *slot)
{
	struct migrate_bytes kept = bytes_of(NULL, 0);

	arena_bytes(&p->arena, slot->object.etag, &kept);
	return kept;
}

/* Another hex digit somewhere in it: of the same length, so that nobody refuses its form. */
struct migrate_bytes other_etag(struct prober *p, struct migrate_bytes etag)
{
	char *copy = arena_copy(&p->arena, etag.p, etag.n);

	if (!copy || !etag.n)
		return bytes_of(NULL, 0);
	copy[etag.n / 2] = copy[etag.n / 2] == '0' ? '1' : '0';
	return bytes_of(copy, etag.n);
}

/* ---- The first object ---- */

static void find_clock(struct prober *p)
{
	int64_t ahead = p->slot.object.written - clock_wall();
	double seconds = (double)ahead / (double)NS_PER_S;
	bool bad = ahead > SKEW_BAD || ahead < -SKEW_BAD;

	if (!p->slot.object.written)
		finds(p, "clock", MIGRATE_FINDS_UNKNOWN,
		      "copies that a crash cut off are taken for ones that were there before",
		      "it does not say when an object was written");
	else
		finds(p, "clock", bad ? MIGRATE_FINDS_NO : MIGRATE_FINDS_VALUE,
		      bad ? "set the clocks right, or copies that a crash cut off are not "
			    "recognised"
			  : NULL,
		      "%.1f s %s ours", seconds < 0 ? -seconds : seconds,
		      seconds < 0 ? "behind" : "ahead of");
}

static double ms_since(int64_t start)
{
	return (double)(clock_monotonic() - start) / (double)NS_PER_MS;
}

static bool say_cannot_write(struct prober *p, enum migrate_status status)
{
	finds_trouble(p, "write", status);
	if (!is_hopeless(p, status))
		p->out->broken = arena_printf(&p->out->findings.arena,
					      "no scratch object can be written: %s: %s",
					      status_name(status), session_message(p->s));
	return false;
}

static void find_ranges(struct prober *p, struct migrate_bytes key)
{
	size_t n = 0;
	enum migrate_status status;

	if (!(p->facts->d.flags & MIGRATE_RANGES)) {
		finds(p, "read: ranges", MIGRATE_FINDS_NO, "large objects are read in one piece",
		      NULL);
		return;
	}
	status = try_get(p, key, 10, 20, bytes_of(NULL, 0), &n);
	fill_pattern(p->bytes, 1, PROBE_SMALL);
	if (status == MIGRATE_OK && n == 20 && !memcmp(p->bytes + 10, p->buffer, n))
		finds(p, "read: ranges", MIGRATE_FINDS_YES, NULL, NULL);
	else
		finds(p, "read: ranges", MIGRATE_FINDS_NO, "do not read large objects from here",
		      "asked for 20 bytes, %zu came: %s", n, status_name(status));
}

static bool probe_first(struct prober *p)
{
	struct migrate_bytes key = scratch_key(p, "1", 1);
	int64_t start = clock_monotonic();
	enum migrate_status status;
	double put, get, stat;

	status = try_put(p, key, 1, PROBE_SMALL, MIGRATE_ANY, bytes_of(NULL, 0));
	put = ms_since(start);
	if (status != MIGRATE_OK)
		return say_cannot_write(p, status);
	start = clock_monotonic();
	status = try_holds(p, key, 1, PROBE_SMALL);
	get = ms_since(start);
	if (status == MIGRATE_CHANGED)
		finds(p, "read back", MIGRATE_FINDS_NO, "do not use it", "other bytes came back");
	else if (status != MIGRATE_OK)
		finds_trouble(p, "read back", status);
	if (status != MIGRATE_OK && status != MIGRATE_UNSUPPORTED)
		return !is_hopeless(p, status);
	start = clock_monotonic();
	status = try_stat(p, key);
	stat = ms_since(start);
	if (status != MIGRATE_OK) {
		finds_trouble(p, "look", status);
		return !is_hopeless(p, status);
	}
	finds(p, "write, read, look", MIGRATE_FINDS_YES, NULL, "%.2f, %.2f, %.2f ms", put, get,
	      stat);
	find_clock(p);
	find_ranges(p, key);
	return true;
}

/* ---- All of it ---- */

static void measure_destination(struct prober *p)
{
	struct migrate_measure r = { .scratch = bytes_of_text(p->out->prefix) };
	enum migrate_status status = store_measure(p->s, &r, &p->out->findings);

	if (status != MIGRATE_OK && status != MIGRATE_UNSUPPORTED && !is_hopeless(p, status))
		p->out->broken = arena_printf(&p->out->findings.arena, "%s: %s",
					      status_name(status), session_message(p->s));
}

static void try_probes(struct prober *p)
{
	static bool (*const topics[])(
	    struct prober * p) = { probe_first,   probe_keys,   probe_listing, probe_conditions,
				   probe_digests, probe_copies, probe_parts,   probe_attributes };

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		bool go_on = topics[i](p);

		p->out->own = p->out->findings.n;
		if (!go_on || is_hopeless(p, MIGRATE_OK))
			return;
	}
	measure_destination(p);
}

/* Where nothing can be listed, what the removals said is all there is to know. */
static void tell_left(struct prober *p, const struct migrate_remove *r, enum migrate_status removed)
{
	for (size_t i = 0; i < r->count; i++) {
		enum migrate_status one =
		    removed == MIGRATE_OK ? (enum migrate_status)r->objects[i]->status : removed;

		/* invalid: it can never have been there */
		if (one != MIGRATE_OK && one != MIGRATE_NOT_FOUND && one != MIGRATE_INVALID)
			scratch_left_add(&p->out->left, r->objects[i]->key, one, "");
	}
}

/* All keys that may be there in one call, then whatever is found to be left. */
static void clean_up(struct prober *p)
{
	struct migrate_removal *items = calloc(p->key_count + 1, sizeof(*items));
	struct migrate_removal **list = calloc(p->key_count + 1, sizeof(*list));
	struct migrate_remove r = { .objects = list };
	enum migrate_status removed = MIGRATE_OK;
	size_t swept;

	host_resume(&p->ends->host);
	for (; items && list && r.count < p->key_count; r.count++) {
		items[r.count].key = p->keys[r.count];
		list[r.count] = &items[r.count];
	}
	if (r.count)
		removed = store_remove(p->s, &r);
	if (scratch_clear(p->s, p->out->prefix, &swept, &p->out->left) != MIGRATE_OK)
		tell_left(p, &r, removed);
	free((void *)list);
	free(items);
}

static bool prepare_probe(struct prober *p)
{
	p->sink = sink_memory();
	p->body = body_memory();
	p->digest = digest_new();
	p->sent = attributes_new();
	p->got = attributes_new();
	p->bytes = malloc(PROBE_BUFFER);
	p->buffer = malloc(PROBE_BUFFER);
	return p->sink && p->body && p->digest && p->sent && p->got && p->bytes && p->buffer;
}

static void release_prober(struct prober *p)
{
	sink_free(p->sink);
	body_free(p->body);
	digest_free(p->digest);
	attributes_free(p->sent);
	attributes_free(p->got);
	free(p->bytes);
	free(p->buffer);
	free(p->keys);
	arena_release(&p->arena);
}

/* What earlier probes left behind, or a run that was killed while it opened the ends. */
static void sweep(struct prober *p, const char *job_id)
{
	char prefix[SCRATCH_NAME];
	size_t n = 0;

	scratch_prefix(prefix, job_id);
	scratch_clear(p->s, prefix, &n, &p->out->left);
	p->out->swept += n;
}

void probe_destination(struct probe *out, struct ends *e, const char *before)
{
	const char *id = e->host.job_id;
	struct prober p = { .out = out,
			    .ends = e,
			    .s = e->destination.session,
			    .facts = &e->destination_facts,
			    .ops = e->destination.job->descriptor->store };

	*out = (struct probe){ .findings = FINDINGS_INIT, .left = { .arena = ARENA_INIT } };
	if (!p.ops->put || !p.ops->remove) {
		out->broken = "it cannot write and remove objects, so nothing can be tried";
	} else if (prepare_probe(&p)) {
		sweep(&p, id);
		if (strncmp(id, before, strlen(id)) != 0)
			sweep(&p, before);
		scratch_name(out->prefix, id);
		try_probes(&p);
		clean_up(&p);
	} else {
		out->broken = "out of memory";
	}
	release_prober(&p);
}

void probe_release(struct probe *p)
{
	scratch_left_release(&p->left);
	findings_release(&p->findings);
}
