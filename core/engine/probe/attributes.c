/* SPDX-License-Identifier: MIT */
#include "engine/probe/probe-impl.h"

#include "base/bytes.h"

#include <string.h>

/* Attributes: do those that the store says it keeps come back as they were? */

static const struct {
	const char *name, *value;
} samples[] = {
	{ "content-type", "image/png" },
	{ "content-encoding", "gzip" },
	{ "content-language", "de, en" },
	{ "content-disposition", "attachment; filename=\"a b.png\"" },
	{ "cache-control", "max-age=60, private" },
	{ "expires", "Wed, 21 Oct 2037 07:28:00 GMT" },
	{ "mtime", "1000000000.500000000" },
	{ "mode", "640" },
	{ "meta:plain", "one two" },
	{ "meta:colours", "gr\303\274n \342\202\254" },
	{ "tag:plain", "one two" },
	{ "xattr:user.plain", "one two" },
};
#define SAMPLES (sizeof(samples) / sizeof(samples[0]))

static enum migrate_status read_attributes_back(struct prober *p, struct migrate_bytes key)
{
	struct migrate_stat r = { .key = key, .object = &p->slot.object };

	attributes_reset(p->got);
	object_slot_init(&p->slot, p->got);
	return store_stat(p->s, &r);
}

static bool came_back(struct prober *p, const char *name, struct migrate_bytes value)
{
	struct migrate_bytes got;

	return migrate_attribute(p->got, name, &got) && bytes_equal(got, value);
}

static void tell_kept(struct prober *p)
{
	BUF_AUTO struct buf kept = BUF_INIT(512), lost = BUF_INIT(512);

	for (size_t i = 0; i < SAMPLES; i++) {
		struct migrate_bytes value = bytes_of_text(samples[i].value);
		struct buf *b;

		if (!store_keeps(p->facts, samples[i].name, value.n))
			continue;
		b = came_back(p, samples[i].name, value) ? &kept : &lost;
		buf_add_text(b, b->len ? ", " : "");
		buf_add_text(b, samples[i].name);
	}
	if (kept.len)
		finds(p, "attributes kept", MIGRATE_FINDS_VALUE, NULL, "%.*s", (int)kept.len,
		      (const char *)kept.p);
	if (lost.len)
		finds(p, "attributes it said it keeps", MIGRATE_FINDS_NO, "they are lost silently",
		      "%.*s did not come back as they were", (int)lost.len, (const char *)lost.p);
	if (!kept.len && !lost.len)
		finds(p, "attributes kept", MIGRATE_FINDS_NO,
		      "content types and the like are lost (copy.attributes: warn)", "none");
}

static bool kept(struct prober *p, struct migrate_bytes key)
{
	enum migrate_status status;

	for (size_t i = 0; i < SAMPLES; i++) {
		size_t n = strlen(samples[i].value);

		if (store_keeps(p->facts, samples[i].name, n))
			migrate_set_attribute(p->sent, samples[i].name, samples[i].value, n);
	}
	status = try_put(p, key, 6, PROBE_SMALL, MIGRATE_ANY, bytes_of(NULL, 0));
	if (status == MIGRATE_OK)
		status = read_attributes_back(p, key);
	if (status == MIGRATE_OK)
		tell_kept(p);
	else
		finds_trouble(p, "attributes kept", status);
	return !is_hopeless(p, status);
}

static enum migrate_status large_one(struct prober *p, struct migrate_bytes key, size_t n)
{
	enum migrate_status status;

	memset(p->buffer, 'v', n);
	attributes_reset(p->sent);
	if (!migrate_set_attribute(p->sent, "meta:large", p->buffer, n))
		return MIGRATE_INVALID;
	status = try_put(p, key, 6, PROBE_SMALL, MIGRATE_ANY, bytes_of(NULL, 0));
	if (status == MIGRATE_OK)
		status = read_attributes_back(p, key);
	if (status != MIGRATE_OK)
		return status;
	memset(p->buffer, 'v', n);
	return came_back(p, "meta:large", bytes_of(p->buffer, n)) ? MIGRATE_OK : MIGRATE_INVALID;
}

/* Upwards, until it is refused or does not come back. */
static bool largest(struct prober *p, struct migrate_bytes key)
{
	static const size_t sizes[] = { 1024, 2000, 4096, 8000, 16384, 32768 };
	enum migrate_status status = MIGRATE_OK;
	size_t good = 0;

	if (!store_keeps(p->facts, "meta:large", sizes[0]))
		return true;
	for (size_t i = 0; status == MIGRATE_OK && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		status = large_one(p, key, sizes[i]);
		if (status == MIGRATE_OK)
			good = sizes[i];
	}
	attributes_reset(p->sent);
	if (is_hopeless(p, status))
		return false;
	finds(p, "largest metadata", good ? MIGRATE_FINDS_VALUE : MIGRATE_FINDS_NO,
	      good == 32768 ? NULL : "objects with more fail, or lose it", "%zu bytes", good);
	return true;
}

bool probe_attributes(struct prober *p)
{
	struct migrate_bytes key = scratch_key(p, "6", 1);
	bool go_on = kept(p, key) && largest(p, key);

	attributes_reset(p->sent);
	return go_on;
}
