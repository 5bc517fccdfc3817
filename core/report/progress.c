/* SPDX-License-Identifier: MIT */
#include "report/progress.h"

#include "base/clock.h"
#include "base/escape.h"
#include "base/log.h"
#include "report/progress-impl.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define CALM (30 * NS_PER_S)
#define SHORT (2 * NS_PER_S) /* what ends sooner needs no plain line */
#define WIDTH_UNKNOWN 80
#define CLEAR "\r\033[K"

enum look { LOOK_NONE, LOOK_BAR, LOOK_PLAIN, LOOK_JSON };

struct progress {
	enum look look;
	char job[256]; /* escaped */
	struct line_style style;
	struct rates rates;
	struct buf line; /* what stands on the terminal */
	char state[64];  /* of the last plain line */
	int64_t shown;   /* monotonic: when that was */
	bool closed;     /* nobody reads standard output */
	bool hooked;
	pthread_mutex_t lock; /* the terminal's line: held around log lines */
};

/* What nobody wants to read is no failure of the job. */
static bool put_on(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

static void put_text(const char *s)
{
	put_on(STDERR_FILENO, s, strlen(s));
}

/* ---- Around log lines ---- */

static void before_log(void *arg)
{
	struct progress *p = arg;

	pthread_mutex_lock(&p->lock);
	if (p->line.len)
		put_text(CLEAR);
}

static void after_log(void *arg)
{
	struct progress *p = arg;

	if (p->line.len)
		put_on(STDERR_FILENO, p->line.p, p->line.len);
	pthread_mutex_unlock(&p->lock);
}

/* ---- What the terminal is like ---- */

static unsigned terminal_width(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || w.ws_col < 20)
		return WIDTH_UNKNOWN - 1;
	return w.ws_col - 1u;
}

static bool is_utf8_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *value = NULL;

	for (size_t i = 0; i < 3 && !(value && *value); i++)
		value = getenv(names[i]);
	return value && (strcasestr(value, "utf-8") || strcasestr(value, "utf8"));
}

static bool is_smart_terminal(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static enum look choose_look(enum progress_mode mode)
{
	switch (mode) {
	case PROGRESS_BAR:
		return LOOK_BAR;
	case PROGRESS_JSON:
		return LOOK_JSON;
	case PROGRESS_NONE:
		return LOOK_NONE;
	case PROGRESS_AUTO:
		break;
	}
	return is_smart_terminal() ? LOOK_BAR : LOOK_PLAIN;
}

static void choose_style(struct line_style *style)
{
	const char *no_color = getenv("NO_COLOR");

	style->colour = is_smart_terminal() && !(no_color && *no_color);
	style->unicode = is_utf8_locale();
}

struct progress *progress_new(enum progress_mode mode, const char *job)
{
	struct progress *p = calloc(1, sizeof(*p));
	BUF_AUTO struct buf name = BUF_INIT(sizeof(p->job) - 1);

	if (!p)
		return NULL;
	p->look = choose_look(mode);
	p->line = (struct buf)BUF_INIT(LINE_MAX_BYTES);
	escape_message(&name, job, strlen(job));
	if (name.len)
		memcpy(p->job, name.p, name.len);
	choose_style(&p->style);
	pthread_mutex_init(&p->lock, NULL);
	if (p->look == LOOK_BAR) {
		log_set_hooks(
		    &(struct log_hooks){ .before = before_log, .after = after_log, .arg = p });
		p->hooked = true;
	}
	return p;
}

/* ---- Showing ---- */

static void show_bar(struct progress *p, const struct snapshot *s)
{
	pthread_mutex_lock(&p->lock);
	p->style.width = terminal_width();
	buf_reset(&p->line);
	buf_add_text(&p->line, CLEAR);
	line_draw(&p->line, &p->style, p->job, s, &p->rates);
	put_on(STDERR_FILENO, p->line.p, p->line.len);
	pthread_mutex_unlock(&p->lock);
}

static void show_plain(struct progress *p, const struct snapshot *s)
{
	buf_reset(&p->line);
	line_plain(&p->line, p->job, s, &p->rates);
	put_on(STDERR_FILENO, p->line.p, p->line.len);
}

static void show_json(struct progress *p, const struct snapshot *s, bool final)
{
	if (p->closed)
		return;
	buf_reset(&p->line);
	line_json(&p->line, p->job, s, &p->rates, final);
	p->closed = !put_on(STDOUT_FILENO, p->line.p, p->line.len);
}

/* Plain lines come seldom, at a change of state after a second at most. */
static bool is_due(const struct progress *p, const struct snapshot *s)
{
	int64_t age = s->at - p->shown;

	if (p->look == LOOK_BAR)
		return true;
	if (p->look == LOOK_JSON)
		return !p->shown || age >= NS_PER_S;
	if (!p->shown)
		return s->at - p->rates.began >= SHORT;
	return age >= CALM ||
	       (age >= NS_PER_S && strncmp(p->state, s->state, sizeof(p->state) - 1));
}

static void show_snapshot(struct progress *p, const struct snapshot *s, bool final)
{
	rates_add(&p->rates, s);
	if (p->look == LOOK_PLAIN && !p->shown)
		final = false;
	if (p->look == LOOK_NONE || !(final || is_due(p, s)))
		return;
	if (p->look == LOOK_BAR)
		show_bar(p, s);
	else if (p->look == LOOK_PLAIN)
		show_plain(p, s);
	else
		show_json(p, s, final);
	p->shown = s->at;
	snprintf(p->state, sizeof(p->state), "%s", s->state);
}

void progress_show(struct progress *p, const struct snapshot *s)
{
	show_snapshot(p, s, false);
}

static void unhook(struct progress *p)
{
	if (p->hooked)
		log_set_hooks(NULL);
	p->hooked = false;
}

void progress_end(struct progress *p, const struct snapshot *s)
{
	show_snapshot(p, s, true);
	unhook(p);
	if (p->look == LOOK_BAR)
		put_text("\n");
	buf_reset(&p->line);
}

/* Without progress_end() before: the line is wiped. */
void progress_free(struct progress *p)
{
	if (!p)
		return;
	unhook(p);
	if (p->look == LOOK_BAR && p->line.len)
		put_text(CLEAR);
	buf_release(&p->line);
	pthread_mutex_destroy(&p->lock);
	free(p);
}
