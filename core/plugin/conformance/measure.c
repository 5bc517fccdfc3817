/* SPDX-License-Identifier: MIT */
#include "plugin/conformance/conformance-impl.h"

#include <stdio.h>

/* What is tried leaves nothing behind. */

static const char *lacks_measure(const struct battery *b)
{
	const char *why = lacks_list(b);

	return why ? why : b->store->measure ? NULL : "it has no measure()";
}

static bool holds_nothing(struct battery *b, struct migrate_bytes prefix)
{
	struct hand *h = &b->hands[0];
	struct list_page page = LIST_PAGE_INIT;
	struct migrate_list r = { .prefix = prefix, .limit = 10 };
	enum migrate_status status = store_list(h->s, &r, &page);
	size_t n = page.n;

	list_page_release(&page);
	ANSWERS(h, MIGRATE_OK, status);
	MUST(b, !n, "scratch objects are still there");
	return true;
}

static bool measures(struct battery *b)
{
	struct hand *h = &b->hands[0];
	struct findings f = FINDINGS_INIT;
	char scratch[64];
	struct migrate_measure r;
	enum migrate_status status;
	size_t n;

	snprintf(scratch, sizeof(scratch), ".migrate-%s-scratch-00000000", migrate_job_id(h->s));
	r = (struct migrate_measure){ .scratch = bytes_of_text(scratch) };
	status = store_measure(h->s, &r, &f);
	n = f.n;
	findings_release(&f);
	ANSWERS(h, MIGRATE_OK, status);
	MUST(b, n, "it found nothing out");
	return holds_nothing(b, r.scratch);
}

static const struct trial trials[] = {
	{ "measure tells what it finds, and leaves nothing behind", measures, lacks_measure },
};
const struct trials trials_measure = TRIALS(trials);
