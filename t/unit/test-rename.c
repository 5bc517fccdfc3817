/* SPDX-License-Identifier: MIT */
#include "job-fixture.h"

#include "tap.h"

/* Rules on keys, and what the rules alone can show. */
struct rules {
	struct arena arena;
	struct rename_rules *r;
	struct rename_scratch *s;
};

static void rules_init(struct rules *x, const char *yaml)
{
	struct problems p = PROBLEMS_INIT("rules");

	x->arena = (struct arena)ARENA_INIT;
	x->r = rename_rules_new(yaml_parse(&x->arena, yaml, strlen(yaml), &p), &p);
	ck_assert_msg(!p.count, "%.*s", (int)p.text.len, (char *)p.text.p);
	problems_release(&p);
	x->s = rename_scratch_new(x->r);
	ck_assert_ptr_nonnull(x->s);
}

static void rules_release(struct rules *x)
{
	rename_scratch_free(x->s);
	rename_rules_free(x->r);
	arena_release(&x->arena);
}

#define K(s_) s_, sizeof(s_) - 1
static const struct {
	const char *why, *rules, *key;
	size_t key_n;
	enum rename_result result;
	const char *to;
	size_t to_n, rule;
} cases[] = {
	{ "a prefix", "[{prefix: image/, to: avatar/}]", K("image/a.png"), RENAME_OK,
	  K("avatar/a.png"), 0 },
	{ "the prefix alone", "[{prefix: image/, to: avatar/}]", K("image/"), RENAME_OK,
	  K("avatar/"), 0 },
	{ "not at the start", "[{prefix: b, to: c}]", K("ab"), RENAME_UNMATCHED, K(""), 0 },
	{ "shorter than the prefix", "[{prefix: abc, to: c}]", K("ab"), RENAME_UNMATCHED, K(""),
	  0 },
	{ "a prefix goes away", "[{prefix: a/, to: ''}]", K("a/b"), RENAME_OK, K("b"), 0 },
	{ "nothing is left", "[{prefix: a/, to: ''}]", K("a/"), RENAME_FAILED, K(""), 0 },
	{ "everything gets a prefix", "[{prefix: '', to: new/}]", K("a"), RENAME_OK, K("new/a"),
	  0 },
	{ "a dollar in a prefix is a dollar", "[{prefix: a, to: $1}]", K("ab"), RENAME_OK, K("$1b"),
	  0 },
	{ "the first rule that matches",
	  "[{prefix: b, to: x}, {prefix: a, to: y}, {prefix: a, to: z}]", K("a1"), RENAME_OK,
	  K("y1"), 1 },
	{ "no rules", "[]", K("a"), RENAME_UNMATCHED, K(""), 0 },
	{ "groups", "[{match: '^image/thumb-(\\d+)-(.*)$', to: 'thumbs/$1/$2'}]",
	  K("image/thumb-12-a.png"), RENAME_OK, K("thumbs/12/a.png"), 0 },
	{ "named groups", "[{match: '(?<y>\\d{4})-(?<m>\\d\\d)', to: '${m}.${y}.$$.${1}'}]",
	  K("a/2024-05/b"), RENAME_OK, K("a/05.2024.$.2024/b"), 0 },
	{ "the rest of the key stays", "[{match: 'old', to: new}]", K("x/old/old"), RENAME_OK,
	  K("x/new/old"), 0 },
	{ "a group that took no part is nothing", "[{match: '^a(b)?(c)?$', to: 'x$1$2'}]", K("ac"),
	  RENAME_OK, K("xc"), 0 },
	{ "the whole match", "[{match: '^.*$', to: '<$0>'}]", K("ab"), RENAME_OK, K("<ab>"), 0 },
	{ "digits behind a group", "[{match: '^(a)', to: '${1}0'}]", K("ab"), RENAME_OK, K("a0b"),
	  0 },
	{ "a newline is a byte of the key", "[{match: '^a(.*)$', to: 'b$1'}]", K("a\nx\n"),
	  RENAME_OK, K("b\nx\n"), 0 },
	{ "the end is the very end", "[{match: 'a$', to: b}]", K("a\n"), RENAME_UNMATCHED, K(""),
	  0 },
	{ "NULs and bytes that are no UTF-8", "[{match: '^a(.+)', to: 'b$1'}]", K("a\0\377\300/"),
	  RENAME_OK, K("b\0\377\300/"), 0 },
	{ "a pattern that makes nothing of it", "[{match: '.*', to: ''}]", K("abc"), RENAME_FAILED,
	  K(""), 0 },
	{ "a pattern that would take for ever", "[{match: '^(a+)+$', to: b}]",
	  K("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), RENAME_FAILED,
	  K(""), 0 },
	{ "\\K cannot turn the match around", "[{match: 'a\\Kb', to: 'x'}]", K("ab"), RENAME_OK,
	  K("ax"), 0 },
};

START_TEST(a_key_becomes)
{
	struct migrate_bytes to = { 0 }, want = bytes_of(cases[_i].to, cases[_i].to_n);
	struct error err = ERROR_INIT;
	size_t rule = 0;
	struct rules x;
	enum rename_result result;

	rules_init(&x, cases[_i].rules);
	result = rename_apply(x.r, x.s, bytes_of(cases[_i].key, cases[_i].key_n), &to, &rule, &err);
	ck_assert_msg(result == cases[_i].result, "%s: result %d, %s", cases[_i].why, (int)result,
		      err.text);
	ck_assert_msg(result != RENAME_OK || (bytes_equal(to, want) && rule == cases[_i].rule),
		      "%s: '%.*s'", cases[_i].why, (int)to.n, (const char *)to.p);
	ck_assert_int_eq(error_is_set(&err), result == RENAME_FAILED);
	rules_release(&x);
}
END_TEST

START_TEST(a_key_that_grows_too_long_fails)
{
	static char key[MIGRATE_KEY_MAX];
	struct migrate_bytes to;
	struct error err = ERROR_INIT;
	size_t rule;
	struct rules x;

	memset(key, 'a', sizeof(key));
	rules_init(&x, "[{prefix: '', to: b}]");
	ck_assert_int_eq(rename_apply(x.r, x.s, bytes_of(key, sizeof(key) - 1), &to, &rule, &err),
			 RENAME_OK);
	ck_assert_int_eq(rename_apply(x.r, x.s, bytes_of(key, sizeof(key)), &to, &rule, &err),
			 RENAME_FAILED);
	ck_assert_ptr_nonnull(strstr(err.text, "rename rule 1: the new key is longer than"));
	rules_release(&x);
}
END_TEST

static const struct {
	const char *why, *rules, *prefix;
	bool keep, not_keep; /* what is shown when unmatched keys stay, and when they do not */
} proofs[] = {
	{ "no rules", "[]", "", true, true },
	{ "no rules, a selection", "[]", "a/", true, true },
	{ "away from the selection", "[{prefix: image/, to: avatar/}]", "image/", true, true },
	{ "into a key that may be there", "[{prefix: image/, to: avatar/}]", "", false, true },
	{ "a part of the selection", "[{prefix: image/a/, to: avatar/}]", "image/", true, true },
	{ "back into the selection", "[{prefix: image/a/, to: image/b/}]", "image/", false, true },
	{ "above the selection", "[{prefix: image/a/, to: im}]", "image/a/", false, false },
	{ "the prefix goes away", "[{prefix: image/, to: ''}]", "image/", false, false },
	{ "the same key", "[{prefix: image/, to: image/}]", "", true, true },
	{ "a selection longer than the rule", "[{prefix: a, to: b}]", "a/x/", true, true },
	{ "a rule that the selection never reaches", "[{prefix: a/, to: b/}, {prefix: z/, to: a/}]",
	  "a/", true, true },
	{ "two rules apart", "[{prefix: s/a/, to: d/a/}, {prefix: s/b/, to: d/b/}]", "s/", true,
	  true },
	{ "two rules into one", "[{prefix: s/a/, to: d/}, {prefix: s/b/, to: d/}]", "s/", false,
	  false },
	{ "one result below the other", "[{prefix: s/a/, to: d/}, {prefix: s/b/, to: d/x/}]", "s/",
	  false, false },
	{ "the other order", "[{prefix: s/b/, to: d/x/}, {prefix: s/a/, to: d/}]", "s/", false,
	  false },
	{ "below, but those keys go to the first rule",
	  "[{prefix: s/x/, to: d/x/}, {prefix: s/, to: d/}]", "s/", true, true },
	{ "below, and the first rule takes them elsewhere",
	  "[{prefix: s/x/, to: e/}, {prefix: s/, to: d/}]", "s/", true, true },
	{ "the first rule lands among the second's",
	  "[{prefix: s/x/, to: d/y/}, {prefix: s/, to: d/}]", "s/", false, false },
	{ "a rule that is never reached", "[{prefix: s/, to: d/}, {prefix: s/x/, to: d/}]", "s/",
	  true, true },
	{ "a pattern may do anything", "[{match: '^s/(.*)$', to: 'd/$1'}]", "s/", false, false },
	{ "not at a slash", "[{prefix: s/a, to: d/ab}, {prefix: s/b, to: d/a}]", "s/", false,
	  false },
	{ "an identity and a rule into it", "[{prefix: s/a/, to: s/a/}, {prefix: t/, to: s/a/}]",
	  "", false, false },
};

START_TEST(the_rules_show)
{
	struct rules x;
	struct migrate_bytes prefix = bytes_of_text(proofs[_i].prefix);

	rules_init(&x, proofs[_i].rules);
	ck_assert_msg(rename_rules_injective(x.r, prefix, true) == proofs[_i].keep, "%s (keep)",
		      proofs[_i].why);
	ck_assert_msg(rename_rules_injective(x.r, prefix, false) == proofs[_i].not_keep, "%s",
		      proofs[_i].why);
	rules_release(&x);
}
END_TEST

/* ---- The proof against trying all keys ---- */

#define LETTERS 2
#define LONGEST 6
#define KEYS ((1 << (LONGEST + 1)) - 2) /* of one to six of two letters */

static size_t make_key(unsigned int i, char *key)
{
	size_t n = 0;
	unsigned int first = 0, count = LETTERS;

	for (n = 1; i >= first + count; n++) {
		first += count;
		count *= LETTERS;
	}
	i -= first;
	for (size_t k = 0; k < n; k++)
		key[k] = (char)('a' + ((i >> (n - 1 - k)) & 1));
	return n;
}

struct outcome {
	char old[LONGEST], now[3 * LONGEST];
	size_t old_n, now_n;
};

/* All keys of the selection and what becomes of them; unmatched ones are kept or drop out. */
static size_t try_all(struct rules *x, struct migrate_bytes prefix, bool keep, struct outcome *out)
{
	struct error err = ERROR_INIT;
	size_t count = 0, rule;

	for (unsigned int i = 0; i < KEYS; i++) {
		struct outcome *o = &out[count];
		struct migrate_bytes key, to;
		enum rename_result result;

		o->old_n = make_key(i, o->old);
		key = bytes_of(o->old, o->old_n);
		if (!bytes_begin_with(key, prefix))
			continue;
		result = rename_apply(x->r, x->s, key, &to, &rule, &err);
		if (result == RENAME_UNMATCHED && keep)
			to = key;
		else if (result != RENAME_OK)
			continue;
		ck_assert_uint_le(to.n, sizeof(o->now));
		memcpy(o->now, to.p, to.n);
		o->now_n = to.n;
		count++;
	}
	return count;
}

static bool is_harmful(const struct outcome *a, const struct outcome *b)
{
	struct migrate_bytes now = bytes_of(a->now, a->now_n);

	return bytes_equal(now, bytes_of(b->now, b->now_n)) ||
	       bytes_equal(now, bytes_of(b->old, b->old_n));
}

static bool finds_harm(struct rules *x, struct migrate_bytes prefix, bool keep)
{
	static struct outcome out[KEYS];
	size_t n = try_all(x, prefix, keep, out);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++)
			if (i != k && is_harmful(&out[i], &out[k]))
				return true;
	return false;
}

static void random_text(unsigned int *seed, size_t longest, char *text)
{
	size_t n = (size_t)rand_r(seed) % (longest + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + rand_r(seed) % LETTERS);
	text[n] = '\0';
}

/* Where the proof says so, no pair of keys may meet; and it must say so often enough. */
START_TEST(the_proof_is_never_wrong)
{
	unsigned int seed = 20261121, proven = 0;

	for (int round = 0; round < 3000; round++) {
		char yaml[256], a[5], b[5], c[5], d[5], prefix[5];
		struct rules x;
		bool keep = rand_r(&seed) % 2;

		random_text(&seed, 3, a);
		random_text(&seed, 3, b);
		random_text(&seed, 3, c);
		random_text(&seed, 3, d);
		random_text(&seed, 2, prefix);
		snprintf(yaml, sizeof(yaml), "[{prefix: '%s', to: '%s'}, {prefix: '%s', to: '%s'}]",
			 a, b, c, d);
		rules_init(&x, yaml);
		if (rename_rules_injective(x.r, bytes_of_text(prefix), keep)) {
			proven++;
			ck_assert_msg(!finds_harm(&x, bytes_of_text(prefix), keep),
				      "%s of '%s' is not injective", yaml, prefix);
		}
		rules_release(&x);
	}
	ck_assert_uint_gt(proven, 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rename");
	TCase *t = tcase_create("rename");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_key_becomes, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, a_key_that_grows_too_long_fails);
	tcase_add_loop_test(t, the_rules_show, 0, sizeof(proofs) / sizeof(proofs[0]));
	tcase_add_test(t, the_proof_is_never_wrong);
	suite_add_tcase(s, t);
	return run_tap(s);
}
