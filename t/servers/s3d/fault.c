/* SPDX-License-Identifier: MIT */
#include "fault.h"
#include "skip.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const action_names[ACT_COUNT] = {
	[ACT_STATUS] = "status",
	[ACT_ERROR_200] = "error-200",
	[ACT_EMPTY_200] = "empty-200",
	[ACT_BODY] = "body",
	[ACT_BODY_FILE] = "body-file",
	[ACT_SPACES] = "spaces",
	[ACT_RESET_BEFORE] = "reset-before",
	[ACT_RESET_DURING] = "reset-during",
	[ACT_RESET_AFTER] = "reset-after",
	[ACT_RESET_COMMITTED] = "reset-committed",
	[ACT_STATUS_COMMITTED] = "status-committed",
	[ACT_CUT] = "cut",
	[ACT_CHUNKED_CUT] = "chunked",
	[ACT_STALL] = "stall",
	[ACT_DELAY] = "delay",
	[ACT_DRIP] = "drip",
	[ACT_ENDLESS] = "endless",
	[ACT_HEADERS] = "headers",
	[ACT_FLIP] = "flip",
	[ACT_FLIP_STORED] = "flip-stored",
	[ACT_FORGET] = "forget",
	[ACT_CODE] = "code",
	[ACT_HEADER] = "header",
	[ACT_NO_HEADER] = "no-header",
	[ACT_DATE] = "date",
	[ACT_EXPIRED] = "expired",
	[ACT_REDIRECT] = "redirect",
	[ACT_IGNORE_CONDITIONS] = "ignore-conditions",
	[ACT_TOKEN] = "token",
	[ACT_PAGE] = "page",
	[ACT_SWAP] = "swap",
	[ACT_REMOVE] = "remove",
	[ACT_DELETE_ERROR] = "delete-error",
};

struct rule {
	char *operation;
	struct bytes key; /* pattern, decoded */
	unsigned long first, last, step;
	bool per_key;
	unsigned long fitted, hit;
	struct skip counts; /* by key, when each counts for itself */
	struct fault fault;
	char *line; /* for the report */
};

struct script {
	struct rule *rules;
	size_t count;
};

const char *action_name(enum action a)
{
	return action_names[a];
}

static bool parse_number(const char *s, size_t n, unsigned long *to)
{
	char digits[24];
	unsigned long long v;

	if (!n || n >= sizeof(digits))
		return false;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (!number_of(digits, ULONG_MAX, &v) || !v)
		return false;
	*to = (unsigned long)v;
	return true;
}

static bool parse_which(struct rule *r, const char *s, size_t n)
{
	const char *dash;

	if (n && s[n - 1] == '@') {
		r->per_key = true;
		n--;
	}
	r->first = r->step = 1;
	r->last = ULONG_MAX;
	if (n == 1 && *s == '*')
		return true;
	if (n && *s == '/') {
		if (!parse_number(s + 1, n - 1, &r->step))
			return false;
		r->first = r->step;
		return true;
	}
	if (n && s[n - 1] == '+')
		return parse_number(s, n - 1, &r->first);
	dash = memchr(s, '-', n);
	if (dash)
		return parse_number(s, (size_t)(dash - s), &r->first) &&
		       parse_number(dash + 1, n - (size_t)(dash - s) - 1, &r->last);
	if (!parse_number(s, n, &r->first))
		return false;
	r->last = r->first;
	return true;
}

static bool parse_action(struct rule *r, const char *s, size_t n)
{
	for (int i = 1; i < ACT_COUNT; i++) {
		if (action_names[i] && strlen(action_names[i]) == n &&
		    !memcmp(action_names[i], s, n)) {
			r->fault.action = (enum action)i;
			return true;
		}
	}
	return false;
}

static size_t next_word(const char **p, const char *end)
{
	const char *start;

	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	start = *p;
	while (*p < end && **p != ' ' && **p != '\t')
		(*p)++;
	return (size_t)(*p - start);
}

/* The last argument is the rest of the line; all are percent-decoded. */
static bool parse_args(struct rule *r, const char *p, const char *end)
{
	for (int i = 0; i < FAULT_ARGS; i++) {
		size_t n;
		const char *start;

		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		start = p;
		n = i == FAULT_ARGS - 1 ? (size_t)(end - p) : next_word(&p, end);
		/* A body may have blanks: it is the second argument and the last. */
		if (r->fault.action == ACT_BODY && i == 1) {
			n = (size_t)(end - start);
			p = end;
		}
		if (n >= FAULT_ARG_SIZE)
			return false;
		r->fault.args[i][url_decode(r->fault.args[i], start, n, false)] = '\0';
	}
	return true;
}

static bool parse_rule(struct rule *r, const char *p, const char *end)
{
	const char *words[4];
	size_t lengths[4];
	char *key;

	r->line = must_dup(p, (size_t)(end - p));
	for (int i = 0; i < 4; i++) {
		lengths[i] = next_word(&p, end);
		words[i] = p - lengths[i];
		if (!lengths[i])
			return false;
	}
	r->operation = must_dup(words[0], lengths[0]);
	key = must_dup(words[1], lengths[1]);
	r->key = (struct bytes){ key, url_decode(key, key, lengths[1], false) };
	return parse_which(r, words[2], lengths[2]) && parse_action(r, words[3], lengths[3]) &&
	       parse_args(r, p, end);
}

struct script *script_parse(const char *text, struct text *error)
{
	struct script *s = must_zero(sizeof(*s));

	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *start = text + strspn(text, " \t\r");
		const char *end = text + n;

		while (end > start && (end[-1] == '\r' || end[-1] == ' '))
			end--;
		text += n + (text[n] == '\n');
		if (start >= end || *start == '#')
			continue;
		s->rules = must_grow(s->rules, (s->count + 1) * sizeof(*s->rules));
		memset(&s->rules[s->count], 0, sizeof(*s->rules));
		if (parse_rule(&s->rules[s->count++], start, end))
			continue;
		text_printf(error, "no rule: %.*s", (int)(end - start), start);
		script_free(s);
		return NULL;
	}
	return s;
}

void script_free(struct script *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		struct rule *r = &s->rules[i];

		while (r->counts.first[0])
			skip_take(&r->counts, r->counts.first[0]->key);
		free(r->operation);
		free((char *)r->key.p);
		free(r->line);
	}
	free(s->rules);
	free(s);
}

static bool rule_hits(struct rule *r, struct bytes key)
{
	unsigned long n = ++r->fitted;

	if (r->per_key) {
		n = (unsigned long)(uintptr_t)skip_get(&r->counts, key) + 1;
		skip_put(&r->counts, key, (void *)(uintptr_t)n);
	}
	if (n < r->first || n > r->last || (n - r->first) % r->step)
		return false;
	r->hit++;
	return true;
}

void script_match(struct script *s, const char *operation, struct bytes key, struct faults *to)
{
	for (size_t i = 0; s && i < s->count; i++) {
		struct rule *r = &s->rules[i];

		if (!glob_match(bytes_of(r->operation), bytes_of(operation)) ||
		    !glob_match(r->key, key) || !rule_hits(r, key) || to->count == MAX_FAULTS)
			continue;
		to->v[to->count++] = must_dup(&r->fault, sizeof(r->fault));
	}
}

void script_report(const struct script *s, struct text *to)
{
	for (size_t i = 0; s && i < s->count; i++)
		text_printf(to, "%lu %lu %s\n", s->rules[i].fitted, s->rules[i].hit,
			    s->rules[i].line);
}

void faults_release(struct faults *f)
{
	while (f->count)
		free(f->v[--f->count]);
}

const struct fault *fault_get(const struct faults *f, enum action a)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->v[i]->action == a)
			return f->v[i];
	}
	return NULL;
}

long long fault_number(const struct fault *f, int i, long long fallback)
{
	char *end;
	long long n = strtoll(f->args[i], &end, 10);

	return end == f->args[i] || *end ? fallback : n;
}

double fault_seconds(const struct fault *f, int i, double fallback)
{
	char *end;
	double n = strtod(f->args[i], &end);

	return end == f->args[i] || *end ? fallback : n;
}
