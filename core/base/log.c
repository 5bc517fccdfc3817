/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/escape.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One line; longer ones are cut: a log must not grow because a server talks much. */
#define MESSAGE_MAX 8192
#define LINE_MAX_BYTES (4 * MESSAGE_MAX)

/* One log per process, as there is one standard error. All but `level` belongs to the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int max_level = LOG_INFO;
static const char *program = "migrate";
static bool as_json;
static struct log_hooks hooks;
static log_mask *mask;

static const char *const level_names[] = { "error", "warning", "info", "debug" };

void log_configure(const char *name, enum log_level level, bool json)
{
	pthread_mutex_lock(&lock);
	program = name;
	as_json = json;
	atomic_store(&max_level, (int)level);
	pthread_mutex_unlock(&lock);
}

void log_set_hooks(const struct log_hooks *h)
{
	pthread_mutex_lock(&lock);
	hooks = h ? *h : (struct log_hooks){ 0 };
	pthread_mutex_unlock(&lock);
}

void log_set_mask(log_mask *m)
{
	pthread_mutex_lock(&lock);
	mask = m;
	pthread_mutex_unlock(&lock);
}

void log_blank(char *text, size_t n)
{
	log_mask *m;

	pthread_mutex_lock(&lock);
	m = mask;
	pthread_mutex_unlock(&lock);
	if (m)
		m(text, n);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

/* The message is printable by now: quotes and backslashes are all that JSON minds. */
static bool add_quoted(struct buf *line, const struct buf *message)
{
	bool ok = buf_add_text(line, "\"");

	for (size_t i = 0; i < message->len && ok; i++) {
		if (message->p[i] == '"' || message->p[i] == '\\')
			ok = buf_add_text(line, "\\");
		ok = ok && buf_add(line, message->p + i, 1);
	}
	return ok && buf_add_text(line, "\"");
}

static bool build_json(struct buf *line, enum log_level level, const struct buf *message)
{
	char time[32];

	clock_format(clock_wall(), time, sizeof(time));
	return buf_add_text(line, "{\"time\":\"") && buf_add_text(line, time) &&
	       buf_add_text(line, "\",\"level\":\"") && buf_add_text(line, level_names[level]) &&
	       buf_add_text(line, "\",\"message\":") && add_quoted(line, message) &&
	       buf_add_text(line, "}\n");
}

static bool build_text(struct buf *line, enum log_level level, const struct buf *message)
{
	return buf_add_text(line, program) && buf_add_text(line, ": ") &&
	       buf_add_text(line, level_names[level]) && buf_add_text(line, ": ") &&
	       buf_add(line, message->p ? (const void *)message->p : "", message->len) &&
	       buf_add_text(line, "\n");
}

/* Nobody could be told that the log cannot be written: it is not an error. */
static void write_line(const unsigned char *p, size_t n)
{
	while (n) {
		ssize_t done = write(STDERR_FILENO, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
	}
}

static void write_locked(enum log_level level, const struct buf *message)
{
	BUF_AUTO struct buf line = BUF_INIT(LINE_MAX_BYTES);

	if (!(as_json ? build_json(&line, level, message) : build_text(&line, level, message)))
		return;
	if (hooks.before)
		hooks.before(hooks.arg);
	write_line(line.p, line.len);
	if (hooks.after)
		hooks.after(hooks.arg);
}

void log_write(enum log_level level, const char *format, ...)
{
	BUF_AUTO struct buf message = BUF_INIT(MESSAGE_MAX);
	char text[MESSAGE_MAX];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	pthread_mutex_lock(&lock);
	if (mask)
		mask(text, strlen(text));
	escape_message(&message, text, strlen(text)); /* cut at the ceiling */
	write_locked(level, &message);
	pthread_mutex_unlock(&lock);
}
