/* SPDX-License-Identifier: MIT */
#include "engine/seed/seed.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Never handed to printf: it is the user's. */

static int bad_pattern(struct error *err, const char *text)
{
	return error_set(err, EXIT_USAGE,
			 "--pattern '%s' must hold %%d (or %%06d) exactly once; write %%%% for a "
			 "percent sign",
			 text);
}

/* Behind a percent sign: "d" or "0Nd". The bytes used; 0: neither. */
static size_t parse_seed_number(const char *at, int *digits)
{
	if (at[0] == 'd') {
		*digits = 1;
		return 1;
	}
	if (at[0] != '0' || at[1] < '1' || at[1] > '9' || at[2] != 'd')
		return 0;
	*digits = at[1] - '0';
	return 3;
}

int seed_pattern_parse(struct seed_pattern *p, const char *text, struct error *err)
{
	struct buf *to = &p->before;
	bool room = true;

	*p = (struct seed_pattern){ .before = BUF_INIT(MIGRATE_KEY_MAX),
				    .after = BUF_INIT(MIGRATE_KEY_MAX) };
	for (const char *at = text; *at; at++) {
		size_t n;

		if (*at != '%' || *++at == '%') {
			room &= buf_add(to, at, 1);
			continue;
		}
		n = p->digits ? 0 : parse_seed_number(at, &p->digits);
		if (!n)
			return bad_pattern(err, text);
		to = &p->after;
		at += n - 1;
	}
	if (!p->digits)
		return bad_pattern(err, text);
	return room ? 0 : error_set(err, EXIT_USAGE, "--pattern is too long");
}

bool seed_pattern_key(const struct seed_pattern *p, uint64_t index, struct buf *out)
{
	char number[32];

	buf_reset(out);
	snprintf(number, sizeof(number), "%0*" PRIu64, p->digits, index);
	return buf_add(out, p->before.p, p->before.len) && buf_add_text(out, number) &&
	       buf_add(out, p->after.p, p->after.len);
}

void seed_pattern_release(struct seed_pattern *p)
{
	buf_release(&p->before);
	buf_release(&p->after);
}
