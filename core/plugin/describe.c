/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "plugin/end-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void migrate_keeps(struct migrate_describe *r, const char *name, size_t max)
{
	struct store_facts *f;
	struct kept_attribute *kept;

	if (!r || !call_expects(r->session, EXPECTS_FACTS) || !name || !*name)
		return;
	f = r->session->out.facts;
	kept =
	    f->kept_count < KEPT_MAX ? realloc(f->kept, (f->kept_count + 1) * sizeof(*kept)) : NULL;
	if (!kept) {
		f->incomplete = f->incomplete || f->kept_count < KEPT_MAX;
		return;
	}
	f->kept = kept;
	kept[f->kept_count] = (struct kept_attribute){ .name = strdup(name), .max = max };
	if (kept[f->kept_count].name)
		f->kept_count++;
	else
		f->incomplete = true;
}

/* Limits that contradict each other would make the core loop or divide by zero. */
static void facts_are_sound(struct migrate_session *s, const struct migrate_describe *d)
{
	if (d->part_max && d->part_min > d->part_max)
		call_nonsense(s, "part_min is above part_max");
	if (d->digests >> MIGRATE_DIGEST_COUNT)
		call_nonsense(s, "digests names an algorithm that is none");
	if (d->mtime_resolution < 0)
		call_nonsense(s, "mtime_resolution is negative");
	if (d->key_max > MIGRATE_KEY_MAX)
		call_nonsense(s, "key_max is above %d", MIGRATE_KEY_MAX);
}

enum migrate_status store_describe(struct migrate_session *s, struct store_facts *facts)
{
	struct migrate_describe *d = &facts->d;
	int status;

	*facts = (struct store_facts){ .d = { .session = s } };
	if (!s->store)
		return call_absent(s);
	call_begin(s, "describe");
	s->expects = EXPECTS_FACTS;
	s->out.facts = facts;
	status = (int)s->store->describe(s->self, d);
	if (status == MIGRATE_OK && facts->incomplete)
		status =
		    (int)migrate_fail(s, MIGRATE_UNAVAILABLE, "out of memory for what it keeps");
	if (status == MIGRATE_OK) {
		facts_are_sound(s, d);
		atomic_store_explicit(&s->end->flags, d->flags, memory_order_relaxed);
	}
	return call_end(s, "describe", status);
}

void store_facts_release(struct store_facts *f)
{
	for (size_t i = 0; i < f->kept_count; i++)
		free(f->kept[i].name);
	free(f->kept);
	*f = (struct store_facts){ .kept = NULL };
}

/* "meta:*" stands for all names that begin so. */
static bool pattern_matches(struct migrate_bytes pattern, struct migrate_bytes name)
{
	if (!bytes_end_with(pattern, BYTES("*")))
		return bytes_equal(pattern, name);
	pattern.n--;
	return bytes_begin_with(name, pattern);
}

bool store_keeps(const struct store_facts *f, const char *name, size_t n)
{
	for (size_t i = 0; i < f->kept_count; i++) {
		const struct kept_attribute *k = &f->kept[i];

		if (pattern_matches(bytes_of_text(k->name), bytes_of_text(name)))
			return !k->max || n <= k->max;
	}
	return false;
}

bool store_doubts(const struct store_facts *f, const struct store_facts *source, const char *name)
{
	return f->d.flags & MIGRATE_DOUBTS_OWNERS && !(source->d.flags & MIGRATE_REAL_OWNERS) &&
	       !strcmp(name, "owner");
}

void migrate_set_fact(struct migrate_describe_database *r, const char *name, const char *format,
		      ...)
{
	struct database_facts *f;
	struct fact *facts, *fact;
	char text[MESSAGE_MAX];
	va_list ap;

	if (!r || !call_expects(r->session, EXPECTS_DATABASE_FACTS) || !name)
		return;
	f = r->session->out.database_facts;
	facts = f->fact_count < KEPT_MAX ? realloc(f->facts, (f->fact_count + 1) * sizeof(*facts))
					 : NULL;
	if (!facts)
		return;
	f->facts = facts;
	fact = &facts[f->fact_count];
	fact->name = strdup(name);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fact->text = strdup(text);
	if (fact->name && fact->text) {
		f->fact_count++;
		return;
	}
	free(fact->name);
	free(fact->text);
}

enum migrate_status database_describe(struct migrate_session *s, struct database_facts *facts)
{
	int status;

	*facts = (struct database_facts){ .d = { .session = s } };
	if (!s->database)
		return call_absent(s);
	call_begin(s, "describe");
	s->expects = EXPECTS_DATABASE_FACTS;
	s->out.database_facts = facts;
	status = (int)s->database->describe(s->self, &facts->d);
	if (status == MIGRATE_OK)
		atomic_store_explicit(&s->end->flags, facts->d.flags, memory_order_relaxed);
	return call_end(s, "describe", status);
}

void database_facts_release(struct database_facts *f)
{
	for (size_t i = 0; i < f->fact_count; i++) {
		free(f->facts[i].name);
		free(f->facts[i].text);
	}
	free(f->facts);
	*f = (struct database_facts){ .facts = NULL };
}
