/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a template of names, and as an address of a Redis: refused with a reason
 * that holds no password, or understood, so that it is understood again when it is
 * printed.
 */
#include "../../plugins/redis/redis-impl.h"
#include "base/buf.h"
#include "ensure.h"

static const struct migrate_changed_row row = {
	.old_key = { "old\0key", 7 },
	.new_key = { "new", 3 },
	.old_value = { "o/v", 3 },
	.new_value = { "n/v", 3 },
	.text = "id=1,b=x\\,y\\\\,c=z=1",
};

/* ---- Templates ---- */

static void print_template(struct buf *to, const struct template *t)
{
	static const char *const names[] = {
		[PART_OLD] = "old",
		[PART_NEW] = "new",
		[PART_OLD_VALUE] = "old_value",
		[PART_NEW_VALUE] = "new_value",
	};

	for (size_t i = 0; i < t->count; i++) {
		const struct part *p = &t->parts[i];

		for (size_t k = 0; p->kind == PART_TEXT && k < p->n; k++) {
			buf_add(to, &p->text[k], 1);
			if (p->text[k] == '{' || p->text[k] == '}')
				buf_add(to, &p->text[k], 1);
		}
		if (p->kind == PART_TEXT)
			continue;
		buf_add_text(to, p->kind == PART_ROW ? "{row." : "{");
		buf_add_text(to, p->kind == PART_ROW ? p->text : names[p->kind]);
		buf_add_text(to, "}");
	}
}

static void same_template(const struct template *a, const struct template *b)
{
	ENSURE(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct part *p = &a->parts[i], *q = &b->parts[i];

		ENSURE(p->kind == q->kind && p->n == q->n && !memcmp(p->text, q->text, p->n));
	}
}

static void expand(const struct template *t)
{
	struct text out = { .n = 0 };
	const char *missing = NULL;
	enum expanded got = template_expand(t, &row, &out, &missing);

	ENSURE(got == EXPANDED || !out.n);
	ENSURE(out.n <= NAME_BYTES_MAX && (got != EXPANDED_NOT || missing));
	text_release(&out);
}

static void try_template(const char *text)
{
	BUF_AUTO struct buf printed = BUF_INIT(1u << 20);
	struct template t, again;
	char why[256] = "";

	if (!template_parse(&t, text, strlen(text), why, sizeof(why))) {
		ENSURE(why[0] && memchr(why, '\0', sizeof(why)));
		template_release(&t);
		return;
	}
	ENSURE(t.count >= 1 && t.count <= 33);
	expand(&t);
	print_template(&printed, &t);
	ENSURE(template_parse(&again, (const char *)printed.p, printed.len, why, sizeof(why)));
	same_template(&t, &again);
	template_release(&t);
	template_release(&again);
}

/* ---- Addresses ---- */

static void add_encoded(struct buf *to, const char *text)
{
	for (; *text; text++) {
		char code[4];

		snprintf(code, sizeof(code), "%%%02X", (unsigned char)*text);
		buf_add_text(to, code);
	}
}

static void print_address(struct buf *to, const struct address *a)
{
	char number[32];

	buf_add_text(to, a->tls ? "rediss://" : "redis://");
	if (a->user)
		add_encoded(to, a->user);
	if (a->password) {
		buf_add_text(to, ":");
		add_encoded(to, a->password);
	}
	if (a->user || a->password)
		buf_add_text(to, "@");
	buf_add_text(to, strchr(a->host, ':') ? "[" : "");
	buf_add_text(to, a->host);
	buf_add_text(to, strchr(a->host, ':') ? "]:" : ":");
	buf_add_text(to, a->port);
	snprintf(number, sizeof(number), "/%ld", a->database);
	buf_add(to, number, strlen(number) + 1);
}

static bool same(const char *a, const char *b)
{
	return !a == !b && (!a || !strcmp(a, b));
}

static void try_address(const char *text)
{
	BUF_AUTO struct buf printed = BUF_INIT(1u << 20);
	struct redis_config config = { .url = text };
	struct address a, again;
	const char *option = NULL;
	char why[256] = "";

	if (!address_take(&config, &a, &option, why, sizeof(why))) {
		ENSURE(option && why[0]);
		ENSURE(!a.password || strlen(a.password) < 12 || !strstr(why, a.password));
		address_release(&a);
		return;
	}
	ENSURE(a.host[0] && a.port[0] && strspn(a.port, "0123456789") == strlen(a.port));
	ENSURE(a.database >= 0 && a.database <= 1000000 && !a.socket);
	print_address(&printed, &a);
	config.url = (const char *)printed.p;
	ENSURE(address_take(&config, &again, &option, why, sizeof(why)));
	ENSURE(same(a.host, again.host) && same(a.port, again.port) && same(a.user, again.user) &&
	       same(a.password, again.password) && a.database == again.database &&
	       a.tls == again.tls);
	address_release(&a);
	address_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = malloc(n + 1);

	ENSURE(text);
	memcpy(text, n ? (const void *)bytes : "", n);
	text[n] = '\0';
	try_template(text);
	try_address(text);
	free(text);
	return 0;
}
