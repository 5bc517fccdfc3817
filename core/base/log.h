/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_LOG_H
#define MIGRATE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The program's log: one event, one line, on standard error; text or JSON. All of
 * it is escaped. Thread-safe. A progress line on the terminal is cleared and
 * redrawn around it through the hooks.
 */
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_hooks {
	void (*before)(void *);
	void (*after)(void *);
	void *arg;
};

void log_configure(const char *program, enum log_level level, bool json);
void log_set_hooks(const struct log_hooks *hooks);
/* Called on each message before it is written, to blank secrets in place: secrets_mask(). */
typedef void log_mask(char *text, size_t n);
void log_set_mask(log_mask *mask);
/* The same for a text that reaches people on another way (an error, the journal). */
void log_blank(char *text, size_t n);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) (log_enabled(LOG_DEBUG) ? log_write(LOG_DEBUG, __VA_ARGS__) : (void)0)

#endif
