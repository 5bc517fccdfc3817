/* SPDX-License-Identifier: MIT */
#include "base/escape.h"
#include "base/nearest.h"
#include "job/keys/rename-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Keys are bytes, not lines: . matches a newline, $ only the very end. A pattern
 * cannot switch to UTF mode, where a key that is no UTF-8 would be an error.
 */
#define COMPILE_OPTIONS (PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP)

static const char *const rule_names[] = { "prefix", "match", "to" };

static void no_memory_for_rules(const struct yaml_node *node, struct problems *p)
{
	problems_add(p, node->line, node->column, "out of memory");
}

static void check_rule_names(const struct yaml_node *node, struct problems *p)
{
	for (const struct yaml_node *c = node->first; c; c = c->next) {
		const char *near = nearest_name(c->name, rule_names, 3);
		bool known = near && !strcmp(near, c->name);

		if (!known)
			problems_add(p, c->name_line, c->name_column,
				     "unknown option '%s' in a rename rule (%s%s%s)", c->name,
				     near ? "did you mean '" : "prefix or match, and to",
				     near ? near : "", near ? "'?" : "");
		else if (c->kind != YAML_SCALAR || yaml_is_null(c))
			problems_add(p, c->line, c->column, "'%s' must be text, not %s", c->name,
				     yaml_kind_name(c));
	}
}

/* Exactly one of prefix and match, and to. */
static bool check_rule(const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *prefix = yaml_get(node, "prefix"), *match = yaml_get(node, "match");
	size_t before = p->count;

	check_rule_names(node, p);
	if (prefix && match)
		problems_add(p, match->name_line, match->name_column,
			     "a rename rule has either 'prefix' or 'match', not both");
	else if (!prefix && !match)
		problems_add(p, node->line, node->column,
			     "a rename rule needs 'prefix' or 'match'");
	if (!yaml_get(node, "to"))
		problems_add(p, node->line, node->column, "a rename rule needs 'to'");
	return p->count == before;
}

static bool compile(struct rename_rule *r, const struct yaml_node *node, struct problems *p)
{
	PCRE2_UCHAR message[256];
	PCRE2_SIZE at;
	int error;

	r->code = pcre2_compile((PCRE2_SPTR)node->text, PCRE2_ZERO_TERMINATED, COMPILE_OPTIONS,
				&error, &at, NULL);
	if (r->code) {
		/* Without JIT the pattern is merely slower. */
		pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
		return true;
	}
	pcre2_get_error_message(error, message, sizeof(message));
	problems_add(p, node->line, node->column, "pattern '%s': %s (at its byte %zu)", node->text,
		     (const char *)message, at + 1);
	return false;
}

static bool parse_piece(struct rename_rule *r, const char *text, size_t n, uint32_t group)
{
	struct rename_piece *p = realloc(r->pieces, (r->piece_count + 1) * sizeof(*p));

	if (!p)
		return false;
	r->pieces = p;
	p[r->piece_count++] = (struct rename_piece){
		.text = { .p = text, .n = n },
		.group = group,
	};
	return true;
}

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* The group that s[0..n) names, by number or by name; -1: there is none. */
static long find_group(const struct rename_rule *r, const char *s, size_t n)
{
	char name[64];
	uint32_t count = 0;
	long number;

	if (!n || n >= sizeof(name))
		return -1;
	memcpy(name, s, n);
	name[n] = '\0';
	if (digits(name) != n)
		return pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)name);
	pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &count);
	number = n < 6 ? strtol(name, NULL, 10) : -1;
	return number <= (long)count ? number : -1;
}

/* s is behind a '$'. Returns what follows the reference; NULL: it is wrong. */
static const char *parse_group(struct rename_rule *r, const struct yaml_node *node, const char *s,
			       struct problems *p)
{
	bool braces = *s == '{';
	size_t n = braces ? strcspn(s + 1, "}") : digits(s);
	long group;

	if (!n || (braces && !s[1 + n])) {
		problems_add(p, node->line, node->column,
			     "'$' needs a group: $1, ${1} or ${name} (write $$ for a dollar)");
		return NULL;
	}
	group = find_group(r, s + braces, n);
	if (group < 0) {
		problems_add(
		    p, node->line, node->column,
		    "the pattern has no group '%.*s' (the environment is not looked at here)",
		    (int)n, s + braces);
		return NULL;
	}
	if (!parse_piece(r, NULL, 0, (uint32_t)group)) {
		no_memory_for_rules(node, p);
		return NULL;
	}
	return s + n + (braces ? 2 : 0);
}

/* "a/$1/${name}": pieces of text and groups; $$ is a dollar. */
static bool parse_template(struct rename_rule *r, const struct yaml_node *node, struct problems *p)
{
	const char *s = r->to;

	while (*s) {
		size_t n = strcspn(s, "$");
		bool dollar = s[n] == '$' && s[n + 1] == '$';

		if ((n || dollar) && !parse_piece(r, s, n + dollar, 0)) {
			no_memory_for_rules(node, p);
			return false;
		}
		s += n + (dollar ? 2 : 0);
		if (dollar || !*s)
			continue;
		s = parse_group(r, node, s + 1, p);
		if (!s)
			return false;
	}
	return true;
}

static void describe_rule(struct rename_rule *r, const struct yaml_node *node, struct problems *p)
{
	BUF_AUTO struct buf b = BUF_INIT(16384);

	buf_add_text(&b, r->code ? "match " : "prefix ");
	escape_message(&b, r->from, strlen(r->from));
	buf_add_text(&b, " -> ");
	escape_message(&b, r->to, strlen(r->to));
	r->text = strndup((const char *)b.p, b.len);
	if (!r->text)
		no_memory_for_rules(node, p);
}

void rename_rule_parse(struct rename_rule *r, const struct yaml_node *node, struct problems *p)
{
	const struct yaml_node *from, *match, *to;

	if (node->kind != YAML_MAP) {
		problems_add(p, node->line, node->column,
			     "a rename rule is a map such as {prefix: a/, to: b/}, not %s",
			     yaml_kind_name(node));
		return;
	}
	if (!check_rule(node, p))
		return;
	match = yaml_get(node, "match");
	from = match ? match : yaml_get(node, "prefix");
	to = yaml_get(node, "to");
	r->from = from->text;
	r->to = to->text;
	r->prefix = (struct migrate_bytes){ .p = r->from, .n = strlen(r->from) };
	r->replacement = (struct migrate_bytes){ .p = r->to, .n = strlen(r->to) };
	if (r->prefix.n > MIGRATE_KEY_MAX || r->replacement.n > MIGRATE_KEY_MAX)
		problems_add(p, from->line, from->column, "a rename rule is longer than any key");
	else if (!match || (compile(r, match, p) && parse_template(r, to, p)))
		describe_rule(r, node, p);
}

void rename_rule_release(struct rename_rule *r)
{
	pcre2_code_free(r->code);
	free(r->pieces);
	free(r->text);
}
