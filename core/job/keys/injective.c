/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "job/keys/rename-impl.h"

/*
 * Can prefix rules alone show that no two keys become one, and that no new key is
 * another object's old one?
 *
 * Rule i takes keys that begin with its prefix and with the selection's: with the
 * longer of the two, e_i, when one begins the other, else none at all. What it
 * makes of them begins with t_i: its replacement and what e_i has behind the
 * rule's prefix. Results of i and j meet only where one of t_i, t_j begins the
 * other, say t_j = t_i u: then a key e_i u r and a key e_j r become one. That
 * cannot happen when all keys e_i u ... go to an earlier rule than i, or all
 * keys e_j ... to an earlier one than j.
 */
struct reach {
	struct migrate_bytes prefix, selection;
	/* e = selection or prefix; t = replacement + tail, the tail being e's end */
	struct migrate_bytes e, replacement, tail;
};

/* The i-th byte of t. */
static unsigned char t_at(const struct reach *r, size_t i)
{
	const unsigned char *p = r->replacement.p, *q = r->tail.p;

	return i < r->replacement.n ? p[i] : q[i - r->replacement.n];
}

static size_t t_length(const struct reach *r)
{
	return r->replacement.n + r->tail.n;
}

static bool begins(const struct reach *shorter, const struct reach *longer)
{
	if (t_length(shorter) > t_length(longer))
		return false;
	for (size_t i = 0; i < t_length(shorter); i++)
		if (t_at(shorter, i) != t_at(longer, i))
			return false;
	return true;
}

static struct reach reach_of(const struct rename_rule *rule, struct migrate_bytes selection)
{
	struct reach r = { .prefix = rule->prefix, .replacement = rule->replacement };

	r.e = selection.n > rule->prefix.n ? selection : rule->prefix;
	r.tail = bytes_of((const char *)r.e.p + rule->prefix.n, r.e.n - rule->prefix.n);
	return r;
}

/* Does every key that begins with e and then with the n bytes of u go to a rule before i? */
static bool taken_before(const struct rename_rules *r, size_t i, struct migrate_bytes e,
			 const struct reach *longer, size_t skip)
{
	size_t n = longer ? t_length(longer) - skip : 0;

	for (size_t m = 0; m < i; m++) {
		struct migrate_bytes p = r->rules[m].prefix;
		const unsigned char *bytes = p.p;
		size_t at = 0;

		if (p.n > e.n + n)
			continue;
		while (at < p.n && bytes[at] == (at < e.n ? ((const unsigned char *)e.p)[at]
							  : t_at(longer, skip + at - e.n)))
			at++;
		if (at == p.n)
			return true;
	}
	return false;
}

/* No key of the selection ever comes to rule i. */
static bool is_dead_rule(const struct rename_rules *r, size_t i, struct migrate_bytes selection)
{
	struct migrate_bytes p = r->rules[i].prefix;
	struct reach reach;

	if (!bytes_begin_with(p, selection) && !bytes_begin_with(selection, p))
		return true;
	reach = reach_of(&r->rules[i], selection);
	return taken_before(r, i, reach.e, NULL, 0);
}

/* t of i begins t of j: can a key of each become one? Both are alive. */
static bool may_meet(const struct rename_rules *r, size_t i, size_t j,
		     struct migrate_bytes selection)
{
	struct reach a = reach_of(&r->rules[i], selection), b = reach_of(&r->rules[j], selection);

	return begins(&a, &b) && !taken_before(r, i, a.e, &b, t_length(&a));
}

/* A rule that leaves its keys as they are. */
static bool is_identity(const struct rename_rule *rule)
{
	return bytes_equal(rule->prefix, rule->replacement);
}

static bool either_begins(const struct reach *a, const struct reach *b)
{
	return begins(a, b) || begins(b, a);
}

/*
 * May a result of rule i be another object's key? Unmatched keys are objects only
 * if they are kept; else every object's key is one that some rule takes.
 */
static bool may_chain(const struct rename_rules *r, size_t i, struct migrate_bytes selection,
		      bool keep)
{
	struct reach t = reach_of(&r->rules[i], selection);
	struct reach s = { .replacement = selection };

	if (keep)
		return either_begins(&t, &s);
	for (size_t j = 0; j < r->count; j++) {
		s.replacement = reach_of(&r->rules[j], selection).e;
		if (!is_dead_rule(r, j, selection) && either_begins(&t, &s))
			return true;
	}
	return false;
}

static bool rule_is_safe(const struct rename_rules *r, size_t i, struct migrate_bytes selection,
			 bool keep)
{
	if (!is_identity(&r->rules[i]) && may_chain(r, i, selection, keep))
		return false;
	for (size_t j = 0; j < i; j++)
		if (!is_dead_rule(r, j, selection) &&
		    (may_meet(r, i, j, selection) || may_meet(r, j, i, selection)))
			return false;
	return true;
}

bool rename_rules_injective(const struct rename_rules *r, struct migrate_bytes prefix, bool keep)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rules[i].code)
			return false;
	for (size_t i = 0; i < r->count; i++)
		if (!is_dead_rule(r, i, prefix) && !rule_is_safe(r, i, prefix, keep))
			return false;
	return true;
}
