/* SPDX-License-Identifier: MIT */
#include "engine/check/check.h"

#include "cmd/check-report.h"
#include "cmd/command.h"
#include "cmd/print.h"
#include "report/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct flag_texts set;
static bool probe, json;

static const struct flag flags[] = {
	{ "json", FLAG_BOOL, &json, NULL, "the report in JSON" },
	{ "probe", FLAG_BOOL, &probe, NULL,
	  "also try what the destination does, on scratch objects that are removed again" },
	{ "set", FLAG_TEXTS, &set, "PATH=VALUE", "as if the job file said so; may be repeated" },
};

static const struct command command = {
	.name = "migrate-check",
	.summary = "Looks at a job before it runs: the file, all ends, a page of keys and rows.\n"
		   "Changes nothing (but see --probe), takes seconds.",
	.usage = "[--probe] [--json] [--set PATH=VALUE]... JOB",
	.flags = flags,
	.flag_count = sizeof(flags) / sizeof(flags[0]),
	.operands_min = 1,
	.operands_max = 1,
};

/* ---- The ends ---- */

struct named_flag {
	uint64_t flag;
	const char *name;
};

/* What several flags say together is not said again of each. */
static void print_flags(uint64_t flags_set, const struct named_flag *names, size_t n)
{
	const char *comma = "";
	uint64_t told = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t flag = names[i].flag;

		if ((flags_set & flag) != flag || (told & flag) == flag)
			continue;
		printf("%s%s", comma, names[i].name);
		comma = ", ";
		told |= flag;
	}
	putchar('\n');
}

static void print_end(const struct open_end *o)
{
	printf("%s: ", o->job->label);
	print_text(o->job->plugin);
	printf(", ");
	print_text(o->identity);
	putchar('\n');
}

static void print_limit(const char *name, uint64_t n, bool bytes)
{
	char text[32];

	if (!n || n >= INT64_MAX / 2) /* as good as none */
		return;
	if (bytes)
		format_bytes(text, sizeof(text), n);
	else
		format_count(text, sizeof(text), n);
	printf("  %-12s %s\n", name, text);
}

static void print_store(const struct open_end *o, const struct store_facts *f)
{
	static const struct named_flag names[] = {
		{ MIGRATE_ORDERED, "lists in order" },
		{ MIGRATE_DURABLE_CURSOR, "lists on after a restart" },
		{ MIGRATE_CREATE_ONLY, "never overwrites unasked" },
		{ MIGRATE_PUT_ABSENT, "puts overwrite nothing" },
		{ MIGRATE_COPY_ABSENT, "copies overwrite nothing" },
		{ MIGRATE_COMPLETE_ABSENT, "uploads in parts overwrite nothing" },
		{ MIGRATE_REPLACE_MATCH, "replaces only what it knows" },
		{ MIGRATE_PUT_MATCH, "puts replace only what is known" },
		{ MIGRATE_COPY_MATCH, "copies replace only what is known" },
		{ MIGRATE_COMPLETE_MATCH, "uploads in parts replace only what is known" },
		{ MIGRATE_GET_MATCH, "notices changes while reading" },
		{ MIGRATE_REMOVE_MATCH, "removes only what it knows" },
		{ MIGRATE_RANGES, "reads ranges" },
		{ MIGRATE_REAL_FOLDERS, "real folders" },
		{ MIGRATE_CASE_FOLDING, "ignores case" },
		{ MIGRATE_VOLATILE, "volatile" },
		{ MIGRATE_REAL_OWNERS, "knows owners" },
		{ MIGRATE_DOUBTS_OWNERS, "doubts owners of metadata" },
		{ MIGRATE_ETAG_OF_ALL, "etags tell of attributes" },
	};

	print_end(o);
	printf("  can          ");
	print_flags(f->d.flags, names, sizeof(names) / sizeof(names[0]));
	if (f->kept_count)
		printf("  keeps        ");
	for (size_t i = 0; i < f->kept_count; i++) {
		print_text(f->kept[i].name);
		printf("%s", i + 1 < f->kept_count ? ", " : "\n");
	}
	print_limit("largest", f->d.object_max, true);
	print_limit("longest key", f->d.key_max, true);
	print_limit("sessions", f->d.sessions_max, false);
}

static void print_checked_rows(const struct check_database *d)
{
	for (size_t i = 0; i < d->sample_count; i++) {
		printf("  sample       ");
		print_text(d->samples[i].why);
		printf(": ");
		print_key(d->samples[i].old);
		printf(" -> ");
		print_key(d->samples[i].new);
		putchar('\n');
	}
}

static void print_database(const struct open_end *o, const struct database_facts *f,
			   const struct check_database *d)
{
	static const struct named_flag names[] = {
		{ MIGRATE_ATOMIC_CALL, "one transaction a chunk" },
		{ MIGRATE_INDEXED, "rows are found by an index" },
		{ MIGRATE_UNIQUE, "values are unique" },
		{ MIGRATE_DURABLE, "durable" },
	};
	char text[32];

	print_end(o);
	format_count(text, sizeof(text), d->rows);
	printf("  rows         %s\n", d->counted ? text : "not known");
	printf("  facts        ");
	print_flags(f->d.flags, names, sizeof(names) / sizeof(names[0]));
	if (d->texts)
		printf("  texts        all are read, once at the end of each pass\n");
	else if (!(f->d.flags & MIGRATE_INDEXED))
		printf("  no index     all rows are read once instead of once a batch\n");
	print_limit("widest", f->d.value_max, true);
	for (size_t i = 0; i < f->fact_count; i++) {
		printf("  ");
		print_text(f->facts[i].name);
		printf(": ");
		print_text(f->facts[i].text);
		putchar('\n');
	}
	print_checked_rows(d);
}

static void print_cache(const struct open_end *o, const struct buf *would)
{
	const char *at = (const char *)would->p, *end = at + would->len, *next;

	print_end(o);
	for (; at && at < end; at = next + 1) {
		next = memchr(at, '\n', (size_t)(end - at)); /* each line has one */
		printf("  sample       %.*s\n", (int)(next - at), at);
	}
}

static void print_ends(const struct check *c)
{
	print_store(&c->task.ends.source, &c->task.ends.source_facts);
	print_store(&c->task.ends.destination, &c->task.ends.destination_facts);
	for (size_t i = 0; i < c->task.ends.database_count; i++)
		print_database(&c->task.ends.databases[i], &c->task.ends.database_facts[i],
			       &c->databases[i]);
	for (size_t i = 0; i < c->task.ends.cache_count; i++)
		print_cache(&c->task.ends.caches[i], &c->would[i]);
}

/* ---- What would happen ---- */

static void print_keys(const struct check *c)
{
	char listed[32], taken[32], bytes[32];

	format_count(listed, sizeof(listed), c->listed);
	format_count(taken, sizeof(taken), c->taken);
	format_bytes(bytes, sizeof(bytes), c->bytes);
	printf("keys: %s looked at, %s taken%s%s%s\n", listed, taken, c->bytes ? ", " : "",
	       c->bytes ? bytes : "", c->whole ? "; these are all" : "; there are more");
	for (size_t i = 0; i < c->sample_count; i++) {
		printf("  sample       ");
		print_key(c->samples[i].old);
		printf(" -> ");
		if (c->samples[i].new.n)
			print_key(c->samples[i].new);
		printf("  (");
		print_text(c->samples[i].why);
		printf(")\n");
	}
}

static void print_journal(const struct check *c)
{
	char needs[32], has[32];

	format_bytes(needs, sizeof(needs), c->journal_bytes);
	format_bytes(has, sizeof(has), c->journal_free);
	if (c->journal_free == UINT64_MAX)
		snprintf(has, sizeof(has), "nobody knows how much");
	printf("journal: ");
	print_text(task_place(&c->task).path);
	printf("%s\n  space        about %s%s, %s free\n",
	       c->journal_exists ? " (exists: migrate-run goes on with it)" : " (new)", needs,
	       c->whole ? "" : " or more", has);
}

static void print_report(const struct check *c)
{
	if (c->task.open && !c->asked_to_end) {
		print_ends(c);
		print_keys(c);
	}
	if (c->task.open && c->probed)
		print_card(&c->probe, &c->task.ends.destination);
	print_journal(c);
}

static int report_check(const struct check *c)
{
	int status = c->asked_to_end ? EXIT_INTERRUPTED : c->problems.n ? EXIT_USAGE : EXIT_DONE;

	if (json)
		print_check_json(c, status);
	fflush(stdout);
	for (size_t i = 0; !json && i < c->warnings.n; i++)
		fprintf(stderr, "%s: warning: %s\n", command.name, c->warnings.items[i]);
	for (size_t i = 0; !json && i < c->problems.n; i++)
		fprintf(stderr, "%s: %s\n", command.name, c->problems.items[i]);
	if (!json && status == EXIT_DONE)
		printf("well: try migrate-run --dry-run, then migrate-run\n");
	return status;
}

static struct check *running; /* for the signal */

static void cancel_check(void)
{
	if (running)
		check_cancel(running);
}

static int check_job(const char *path, struct error *err)
{
	struct job_load_options options = { .set = set.items, .find = command_find_plugin };
	struct job *job = job_load(path, &options, err);
	struct check c;
	int status;

	if (!job)
		return command_fail(&command, err);
	check_init(&c, job, probe);
	/* a probe cleans up before it ends; a plain look leaves nothing, and may be killed */
	running = &c;
	if (probe)
		command_on_signal(cancel_check);
	if (check_run(&c, err)) {
		status = command_fail(&command, err);
	} else {
		if (!json)
			print_report(&c);
		status = report_check(&c);
	}
	running = NULL;
	check_release(&c);
	job_free(job);
	return status;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	char **operands;
	int status = command_parse(&command, argc, argv, &operands);

	if (status < 0)
		status = check_job(operands[0], &err);
	return command_end(status);
}
