/* SPDX-License-Identifier: MIT */
#include "engine/task/control.h"

#include "base/buf.h"
#include "job/schema/schema.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FIRST_LINE "migrate-control 1"

/* ---- The text ---- */

static bool set_field(struct control *c, const char *name, int64_t v)
{
	if (!strcmp(name, "serial"))
		c->serial = (uint64_t)v;
	else if (!strcmp(name, "paused"))
		c->paused = v != 0;
	else if (!strcmp(name, "stop"))
		c->stop = v != 0;
	else if (!strcmp(name, "copy.concurrency"))
		c->concurrency = v, c->concurrency_set = true;
	else if (!strcmp(name, "limits.bandwidth"))
		c->limits.bandwidth = (uint64_t)v, c->bandwidth_set = true;
	else if (!strcmp(name, "limits.requests"))
		c->limits.requests = v, c->requests_set = true;
	else if (!strcmp(name, "limits.rows"))
		c->limits.rows = v, c->rows_set = true;
	else
		return false;
	return true;
}

/* One "name value". */
static bool parse_control_line(struct control *c, char *line)
{
	char *space = strchr(line, ' ');
	int64_t v;

	if (!space)
		return false;
	*space = '\0';
	return schema_parse_integer(space + 1, &v) && v >= 0 && set_field(c, line, v);
}

static bool parse_control(struct control *c, char *text)
{
	char *line = text, *end;
	bool first = true;

	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		if (first ? strcmp(line, FIRST_LINE) != 0 : !parse_control_line(c, line))
			return false;
		first = false;
		line = end + 1;
	}
	return !first && !*line && c->serial;
}

static bool add_field(struct buf *b, const char *name, bool set, int64_t v)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %" PRId64 "\n", name, v);
	return !set || buf_add_text(b, line);
}

/* At most JOURNAL_ASKED_MAX by far. False: out of memory. */
static bool unparse(const struct control *c, struct buf *b)
{
	return buf_add_text(b, FIRST_LINE "\n") &&
	       add_field(b, "serial", true, (int64_t)c->serial) &&
	       add_field(b, "paused", c->paused, 1) && add_field(b, "stop", c->stop, 1) &&
	       add_field(b, "copy.concurrency", c->concurrency_set, c->concurrency) &&
	       add_field(b, "limits.bandwidth", c->bandwidth_set, (int64_t)c->limits.bandwidth) &&
	       add_field(b, "limits.requests", c->requests_set, c->limits.requests) &&
	       add_field(b, "limits.rows", c->rows_set, c->limits.rows);
}

/* ---- Reading and writing ---- */

static int take_asked(const struct journal_place *p, struct journal_asked *a, struct control *c,
		      struct error *err)
{
	char name[PATH_MAX];

	*c = (struct control){ .serial = 0 };
	if (!a->text[0] || parse_control(c, a->text))
		return 0;
	*c = (struct control){ .serial = 0 };
	return error_set(err, EXIT_USAGE,
			 "'%s' is not a control file of this version: remove it, then use "
			 "migrate-control again",
			 journal_asked_name(p, name, sizeof(name)));
}

int control_read(const struct journal_place *p, struct control *c, struct error *err)
{
	struct journal_asked a;

	*c = (struct control){ .serial = 0 };
	return journal_asked(p, &a, err) || take_asked(p, &a, c, err) ? -1 : 0;
}

struct changing {
	const struct journal_place *place;
	int (*change)(void *arg, struct control *c, struct error *err);
	void *arg;
	struct control *control;
};

/* Nobody else gives a serial now. */
static int change_text(void *arg, struct journal_asked *a, struct error *err)
{
	struct changing *x = arg;
	BUF_AUTO struct buf b = BUF_INIT(JOURNAL_ASKED_MAX);
	uint64_t serial;

	if (take_asked(x->place, a, x->control, err))
		return -1;
	serial = x->control->serial;
	if (x->change(x->arg, x->control, err))
		return -1;
	x->control->serial = serial + 1;
	if (!unparse(x->control, &b))
		return error_set(err, EXIT_INTERNAL, "out of memory");
	memcpy(a->text, b.p, b.len);
	a->text[b.len] = '\0';
	return 0;
}

int control_change(const struct journal_place *p,
		   int (*change)(void *arg, struct control *c, struct error *err), void *arg,
		   struct control *c, struct error *err)
{
	struct changing x = { .place = p, .change = change, .arg = arg, .control = c };

	return journal_ask(p, change_text, &x, err);
}

/* ---- For the engine ---- */

static int take_stop_out(void *arg, struct control *c, struct error *err)
{
	(void)arg;
	(void)err;
	c->stop = false;
	return 0;
}

int control_begin(const struct journal_place *p, struct control_watch *w, struct control *c,
		  struct error *err)
{
	*w = (struct control_watch){ .serial = 0 };
	if (control_poll(p, w, c, err) < 0)
		return -1;
	if (!w->serial)
		*c = (struct control){ .serial = 0 };
	if (!c->stop)
		return 0;
	if (control_change(p, take_stop_out, NULL, c, err))
		return -1;
	w->serial = c->serial;
	return 0;
}

int control_poll(const struct journal_place *p, struct control_watch *w, struct control *c,
		 struct error *err)
{
	struct journal_asked a;
	struct control read;
	int changed = journal_asked_changed(p, w->version, err);
	int result;

	if (changed <= 0)
		return changed;
	result = journal_asked(p, &a, err);
	memcpy(w->version, a.version, sizeof(w->version)); /* what is wrong with it is said once */
	if (result || take_asked(p, &a, &read, err))
		return -1;
	if (read.serial == w->serial)
		return 0;
	w->serial = read.serial;
	*c = read;
	return 1;
}

static void add_setting(char *text, size_t size, bool set, const char *name, uint64_t v,
			const char *unit)
{
	size_t n = strlen(text);

	if (set)
		snprintf(text + n, size - n, "%s%s=%" PRIu64 "%s", n ? ", " : "", name, v, unit);
}

static void add_setting_word(char *text, size_t size, bool set, const char *word)
{
	size_t n = strlen(text);

	if (set)
		snprintf(text + n, size - n, "%s%s", n ? ", " : "", word);
}

void control_text(const struct control *c, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s", c->paused ? "paused" : "", c->paused && c->stop ? ", " : "",
		 c->stop ? "stop" : "");
	if (c->concurrency)
		add_setting(text, size, c->concurrency_set, "copy.concurrency",
			    (uint64_t)c->concurrency, "");
	else
		add_setting_word(text, size, c->concurrency_set, "copy.concurrency=auto");
	add_setting(text, size, c->bandwidth_set, "limits.bandwidth", c->limits.bandwidth, "B/s");
	add_setting(text, size, c->requests_set, "limits.requests", (uint64_t)c->limits.requests,
		    "/s");
	add_setting(text, size, c->rows_set, "limits.rows", (uint64_t)c->limits.rows, "/s");
	if (!*text)
		snprintf(text, size, "nothing");
}

void control_apply(const struct control *c, const struct job *job, uint32_t *concurrency,
		   struct job_limits *limits)
{
	int64_t n = job->copy.automatic ? 0 : job->copy.concurrency;

	*concurrency = (uint32_t)(c->concurrency_set ? c->concurrency : n);
	*limits = job->limits;
	if (c->bandwidth_set)
		limits->bandwidth = c->limits.bandwidth;
	if (c->requests_set)
		limits->requests = c->limits.requests;
	if (c->rows_set)
		limits->rows = c->limits.rows;
}
