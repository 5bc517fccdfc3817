/* SPDX-License-Identifier: MIT */
#include "engine/task/control.h"

#include "base/nearest.h"
#include "cmd/command.h"
#include "cmd/subject.h"
#include "job/schema/schema.h"
#include "journal/journal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command command = {
	.name = "migrate-control",
	.summary =
	    "Changes a running job within a second: pauses it, resumes it, stops it, or\n"
	    "changes its speed. What is set stays set, also for later runs, until it is reset.",
	.usage = "JOB show | pause | resume | stop | reset | set NAME=VALUE...",
	.operands_min = 2,
	.operands_max = 64,
};

#define CONCURRENCY_MAX 1024

/* ---- set NAME=VALUE ---- */

static const char *const settings[] = { "copy.concurrency", "limits.bandwidth", "limits.requests",
					"limits.rows" };

static int unknown_setting(const char *name, struct error *err)
{
	const char *near = nearest_name(name, settings, sizeof(settings) / sizeof(settings[0]));

	return error_set(err, EXIT_USAGE,
			 "unknown setting '%s' (%s%s%scopy.concurrency and limits.* can be set)",
			 name, near ? "did you mean '" : "", near ? near : "", near ? "'? " : "");
}

/* A number, or one a second: "2000" and "2000/s" alike. */
static bool parse_rate(const char *value, char *text, size_t size)
{
	size_t n = strlen(value);

	if (n > 2 && !strcmp(value + n - 2, "/s"))
		n -= 2;
	if (n >= size)
		return false;
	memcpy(text, value, n);
	text[n] = '\0';
	return true;
}

static bool is_setting(const char *name)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (!strcmp(settings[i], name))
			return true;
	return false;
}

static bool set_bandwidth(struct control *c, const char *text)
{
	uint64_t size;

	if (!schema_parse_size(text, &size) || size > INT64_MAX)
		return false;
	c->limits.bandwidth = size;
	c->bandwidth_set = true;
	return true;
}

static bool set_concurrency(struct control *c, const char *text)
{
	bool automatic = !strcmp(text, "auto");

	c->concurrency = 0;
	c->concurrency_set = true;
	return automatic || (schema_parse_integer(text, &c->concurrency) && c->concurrency >= 1 &&
			     c->concurrency <= CONCURRENCY_MAX);
}

/* False: not a value for it. */
static bool set_one(struct control *c, const char *name, const char *value)
{
	char text[64];
	int64_t n;

	if (!parse_rate(value, text, sizeof(text)))
		return false;
	if (!strcmp(name, "limits.bandwidth"))
		return set_bandwidth(c, text);
	if (!strcmp(name, "copy.concurrency"))
		return set_concurrency(c, text);
	if (!schema_parse_integer(text, &n) || n < 0)
		return false;
	if (!strcmp(name, "limits.requests")) {
		c->limits.requests = n;
		c->requests_set = true;
	} else {
		c->limits.rows = n;
		c->rows_set = true;
	}
	return true;
}

static int set_all(char **words, struct control *c, struct error *err)
{
	if (!*words)
		return error_set(err, EXIT_USAGE, "set needs NAME=VALUE, as in limits.rows=100");
	for (; *words; words++) {
		char *equals = strchr(*words, '=');

		if (!equals)
			return error_set(err, EXIT_USAGE, "'%s' is not of the form NAME=VALUE",
					 *words);
		*equals = '\0';
		if (!is_setting(*words))
			return unknown_setting(*words, err);
		if (!set_one(c, *words, equals + 1))
			return error_set(err, EXIT_USAGE, "%s: '%s' is not a value for it", *words,
					 equals + 1);
	}
	return 0;
}

/* ---- What is asked ---- */

static int unknown_verb(const char *verb, struct error *err)
{
	static const char *const verbs[] = { "show", "pause", "resume", "stop", "reset", "set" };
	const char *near = nearest_name(verb, verbs, sizeof(verbs) / sizeof(verbs[0]));

	return error_set(err, EXIT_USAGE, "unknown verb '%s'%s%s%s", verb,
			 near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static int change_asked(void *arg, struct control *c, struct error *err)
{
	char **words = arg;

	if (!strcmp(words[0], "set"))
		return set_all(words + 1, c, err);
	if (words[1])
		return error_set(err, EXIT_USAGE, "unexpected operand '%s'", words[1]);
	if (!strcmp(words[0], "pause"))
		c->paused = true;
	else if (!strcmp(words[0], "resume"))
		c->paused = false;
	else if (!strcmp(words[0], "stop"))
		c->stop = true;
	else if (!strcmp(words[0], "reset"))
		*c = (struct control){ .serial = c->serial };
	else
		return unknown_verb(words[0], err);
	return 0;
}

static int check_journal(const struct subject *s, struct error *err)
{
	if (journal_exists(&s->journal))
		return journal_trust(&s->journal, false, err);
	return error_set(err, EXIT_USAGE, "there is no journal '%s' yet: start migrate-run first",
			 s->journal.path);
}

static int control(const struct subject *s, char **words, struct error *err)
{
	struct control c;
	char text[512];

	if (check_journal(s, err))
		return -1;
	if (!strcmp(words[0], "show") && !words[1]) {
		if (control_read(&s->journal, &c, err))
			return -1;
	} else if (control_change(&s->journal, change_asked, words, &c, err)) {
		return -1;
	}
	control_text(&c, text, sizeof(text));
	printf("%s: %s\n", s->name, text);
	return 0;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct subject s;
	char **operands;
	int status = command_parse(&command, argc, argv, &operands);

	if (status >= 0)
		return status;
	if (subject_open(&s, operands[0], &err))
		return command_fail(&command, &err);
	if (control(&s, operands + 1, &err))
		status = command_fail(&command, &err);
	else
		status = EXIT_DONE;
	subject_release(&s);
	return command_end(status);
}
