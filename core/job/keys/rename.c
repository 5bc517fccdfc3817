/* SPDX-License-Identifier: MIT */
#include "job/keys/rename.h"

#include "base/bytes.h"
#include "base/escape.h"
#include "job/keys/rename-impl.h"

#include <stdio.h>
#include <stdlib.h>

/* Generous for sane patterns; an insane one fails its key in milliseconds, not in hours. */
#define MATCH_LIMIT 500000
#define DEPTH_LIMIT 20000
#define HEAP_LIMIT_KIB 8192
#define STACK_FIRST ((size_t)32 << 10)
#define STACK_MAX ((size_t)512 << 10)

struct rename_scratch {
	struct buf key;
	pcre2_match_data *data; /* room for the groups of any of the rules */
	pcre2_match_context *match;
	pcre2_jit_stack *stack;
};

static pcre2_match_context *new_context(void)
{
	pcre2_match_context *m = pcre2_match_context_create(NULL);

	if (!m)
		return NULL;
	pcre2_set_match_limit(m, MATCH_LIMIT);
	pcre2_set_depth_limit(m, DEPTH_LIMIT);
	pcre2_set_heap_limit(m, HEAP_LIMIT_KIB);
	return m;
}

static void parse_rules(struct rename_rules *r, const struct yaml_node *list, struct problems *p)
{
	size_t n = 0;

	for (const struct yaml_node *c = list->first; c; c = c->next)
		n++;
	r->rules = n ? calloc(n, sizeof(*r->rules)) : NULL;
	if (n && !r->rules) {
		problems_add(p, 0, 0, "out of memory");
		return;
	}
	for (const struct yaml_node *c = list->first; c; c = c->next)
		rename_rule_parse(&r->rules[r->count++], c, p);
}

struct rename_rules *rename_rules_new(const struct yaml_node *list, struct problems *p)
{
	struct rename_rules *r = calloc(1, sizeof(*r));

	if (!r)
		problems_add(p, 0, 0, "out of memory");
	else if (list && list->kind != YAML_LIST)
		problems_add(
		    p, list->line, list->column,
		    "'rename' must be a list of rules such as [{prefix: a/, to: b/}], not %s",
		    yaml_kind_name(list));
	else if (list)
		parse_rules(r, list, p);
	return r;
}

void rename_rules_free(struct rename_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		rename_rule_release(&r->rules[i]);
	free(r->rules);
	free(r);
}

size_t rename_rules_count(const struct rename_rules *r)
{
	return r->count;
}

const char *rename_rule_text(const struct rename_rules *r, size_t i)
{
	return r->rules[i].text;
}

struct migrate_bytes rename_rule_prefix(const struct rename_rules *r, size_t i)
{
	const struct rename_rule *rule = &r->rules[i];

	return rule->code ? (struct migrate_bytes){ .p = NULL, .n = 0 } : rule->prefix;
}

static bool add_line(struct buf *out, size_t i, const char *name, const char *text)
{
	char start[64];

	snprintf(start, sizeof(start), "mapping rename.%zu.%s = ", i, name);
	return buf_add_text(out, start) && escape_add(out, text, strlen(text)) &&
	       buf_add_text(out, "\n");
}

bool rename_rules_canonical(const struct rename_rules *r, struct buf *out)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct rename_rule *rule = &r->rules[i];

		if (!add_line(out, i, rule->code ? "match" : "prefix", rule->from) ||
		    !add_line(out, i, "to", rule->to))
			return false;
	}
	return true;
}

static uint32_t most_groups(const struct rename_rules *r)
{
	uint32_t most = 0, n = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (r->rules[i].code)
			pcre2_pattern_info(r->rules[i].code, PCRE2_INFO_CAPTURECOUNT, &n);
		most = n > most ? n : most;
	}
	return most;
}

struct rename_scratch *rename_scratch_new(const struct rename_rules *r)
{
	struct rename_scratch *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->key = (struct buf)BUF_INIT(MIGRATE_KEY_MAX);
	s->data = pcre2_match_data_create(most_groups(r) + 1, NULL);
	s->match = new_context();
	s->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MAX, NULL);
	if (!s->data || !s->match) {
		rename_scratch_free(s);
		return NULL;
	}
	/* NULL where there is no JIT; then nobody asks for the stack. */
	if (s->stack)
		pcre2_jit_stack_assign(s->match, NULL, s->stack);
	return s;
}

void rename_scratch_free(struct rename_scratch *s)
{
	if (!s)
		return;
	buf_release(&s->key);
	pcre2_match_data_free(s->data);
	pcre2_match_context_free(s->match);
	if (s->stack)
		pcre2_jit_stack_free(s->stack);
	free(s);
}

static bool add_piece(struct rename_scratch *s, const struct rename_piece *piece,
		      struct migrate_bytes key)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->data) + (size_t)2 * piece->group;

	if (piece->text.p)
		return buf_add(&s->key, piece->text.p, piece->text.n);
	if (piece->group >= pcre2_get_ovector_count(s->data) || v[0] == PCRE2_UNSET || v[0] >= v[1])
		return true; /* a group that took no part stands for nothing */
	return buf_add(&s->key, (const char *)key.p + v[0], v[1] - v[0]);
}

/* What the pattern matched is replaced, the rest of the key stays. */
static bool build_key(const struct rename_rule *rule, struct rename_scratch *s,
		      struct migrate_bytes key)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(s->data);
	const char *p = key.p;

	if (v[0] > v[1] || !buf_add(&s->key, p, v[0]))
		return false;
	for (size_t i = 0; i < rule->piece_count; i++)
		if (!add_piece(s, &rule->pieces[i], key))
			return false;
	return buf_add(&s->key, p + v[1], key.n - v[1]);
}

static enum rename_result fail_rule(struct error *err, size_t i, const char *why)
{
	error_set(err, EXIT_SOME_FAILED, "rename rule %zu: %s", i + 1, why);
	return RENAME_FAILED;
}

static enum rename_result fail_match(struct error *err, size_t i, int code)
{
	PCRE2_UCHAR message[256];

	if (code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT ||
	    code == PCRE2_ERROR_HEAPLIMIT || code == PCRE2_ERROR_JIT_STACKLIMIT)
		return fail_rule(err, i,
				 "the pattern takes too long on this key: make it simpler "
				 "(nested repeats are the usual cause)");
	pcre2_get_error_message(code, message, sizeof(message));
	return fail_rule(err, i, (const char *)message);
}

static enum rename_result apply_pattern(const struct rename_rule *rule, struct rename_scratch *s,
					struct migrate_bytes key, size_t i, struct error *err)
{
	int n = pcre2_match(rule->code, key.n ? key.p : (PCRE2_SPTR) "", key.n, 0, 0, s->data,
			    s->match);

	if (n == PCRE2_ERROR_NOMATCH)
		return RENAME_UNMATCHED;
	if (n < 0)
		return fail_match(err, i, n);
	if (!build_key(rule, s, key))
		return fail_rule(err, i, "the new key is longer than 65535 bytes");
	return RENAME_OK;
}

static enum rename_result apply_prefix(const struct rename_rule *rule, struct rename_scratch *s,
				       struct migrate_bytes key, size_t i, struct error *err)
{
	if (!bytes_begin_with(key, rule->prefix))
		return RENAME_UNMATCHED;
	if (!buf_add(&s->key, rule->replacement.p, rule->replacement.n) ||
	    !buf_add(&s->key, (const char *)key.p + rule->prefix.n, key.n - rule->prefix.n))
		return fail_rule(err, i, "the new key is longer than 65535 bytes");
	return RENAME_OK;
}

enum rename_result rename_apply(const struct rename_rules *r, struct rename_scratch *s,
				struct migrate_bytes key, struct migrate_bytes *new_key,
				size_t *rule, struct error *err)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct rename_rule *one = &r->rules[i];
		enum rename_result result;

		buf_reset(&s->key);
		result = one->code ? apply_pattern(one, s, key, i, err)
				   : apply_prefix(one, s, key, i, err);
		if (result == RENAME_UNMATCHED)
			continue;
		*rule = i;
		if (result == RENAME_OK && !s->key.len)
			return fail_rule(err, i, "the new key is empty");
		*new_key = bytes_of(s->key.p, s->key.len);
		return result;
	}
	return RENAME_UNMATCHED;
}
