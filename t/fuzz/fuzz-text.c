/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a text that is searched for values, through the codec and without:
 * the edits fit the text, their packed form says the same, what was a serialised
 * value still is one, and what was written is not found again in plain text.
 */
#include "base/bytes.h"
#include "ensure.h"
#include "job/job.h"
#include "job/texts/php.h"
#include "job/texts/replace.h"

/* New keys hold bytes that no key has, so that no text names a key by chance afterwards. */
static const struct {
	const char *key, *new_key;
} keys[] = {
	{ "a", "NEW" },
	{ "ab", "NEW/W" },
	{ "a/b", "N" },
	{ "a b", "NNN \"" },
	{ "a&b", "M&b" },
	{ "1", "" },
	{ "\303\251", "\303\211" },
};

static int look_up(void *arg, struct migrate_bytes key, struct migrate_bytes *new_key,
		   uint32_t *object)
{
	(void)arg;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!bytes_equal(bytes_of_text(keys[i].key), key))
			continue;
		*new_key = bytes_of_text(keys[i].new_key);
		*object = (uint32_t)i;
		return *keys[i].new_key ? KNOWN_COPIED : KNOWN_LEFT;
	}
	return KNOWN_NOT;
}

static void run(struct replacer *r, struct migrate_bytes text, struct buf *out, bool stable)
{
	struct replace_counts counts = { .places = 0 };
	struct edits edits = { .items = NULL };
	BUF_AUTO struct buf packed = BUF_INIT(1u << 26), unpacked = BUF_INIT(1u << 26);
	ARENA_AUTO struct arena a = ARENA_INIT;

	ENSURE(replacer_run(r, text, &a, &edits, &counts) == 0);
	ENSURE(edits_apply(&edits, text, out));
	ENSURE(edits_pack(&edits, &packed));
	ENSURE(edits_unpack(bytes_of(packed.p, packed.len), text, &unpacked));
	ENSURE(bytes_equal(bytes_of(out->p, out->len), bytes_of(unpacked.p, unpacked.len)));
	ENSURE(!stable || !counts.places);
	edits_release(&edits);
}

static void search(const char *value, const char *new_value, int codec, struct migrate_bytes text)
{
	BUF_AUTO struct buf out = BUF_INIT(1u << 26), again = BUF_INIT(1u << 26);
	struct known_keys known = { .look_up = look_up };
	struct error err = ERROR_INIT;
	struct value_pattern *v = value_pattern_new(value, &err);
	struct value_pattern *w = value_pattern_new(new_value, &err);
	struct replacer *r;

	ENSURE(v && w && filter_init(&known.keys, 8) && filter_init(&known.guards, 8));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		filter_add(&known.keys, bytes_of_text(keys[i].key));
	r = replacer_new(v, w, codec, &known);
	ENSURE(r);
	run(r, text, &out, false);
	if (codec == CODEC_PHP && php_kind(text) == PHP_VALUE)
		ENSURE(php_kind(bytes_of(out.p, out.len)) == PHP_VALUE);
	/* an escape may become another one when the bytes beside it change: the engine looks */
	run(r, bytes_of(out.p, out.len), &again,
	    !memchr(text.p, '&', text.n) && !memchr(text.p, '\\', text.n));
	replacer_free(r);
	filter_release(&known.keys);
	filter_release(&known.guards);
	value_pattern_free(v);
	value_pattern_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct migrate_bytes text = bytes_of(n ? (const void *)bytes : "", n);
	struct edits_reader reader;
	struct edit one;

	search("{key}", "{key}", CODEC_PHP, text);
	search("{key}", "{key}", CODEC_NONE, text);
	search("h://o/{key:url}", "h://N/{key:url}", CODEC_PHP, text);
	edits_read(&reader, text);
	while (edits_next(&reader, &one) == 1)
		ENSURE(one.with.n <= n);
	return 0;
}
