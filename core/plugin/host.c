/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/nearest.h"
#include "base/sorter.h"
#include "base/utf8.h"
#include "plugin/end-impl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int host_init(struct host *h, const char *job_id, int64_t deadline, struct error *err)
{
	snprintf(h->job_id, sizeof(h->job_id), "%s", job_id);
	h->deadline = deadline;
	atomic_init(&h->cancelled, false);
	h->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->cancel_fd < 0)
		return error_set_errno(err, EXIT_INTERNAL, errno,
				       "cannot make an event descriptor");
	return 0;
}

void host_cancel(struct host *h)
{
	const uint64_t one = 1;
	int saved = errno;

	atomic_store(&h->cancelled, true);
	/* It can only fail because it is readable already, which is what it is for. */
	if (write(h->cancel_fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

void host_resume(struct host *h)
{
	uint64_t count;

	atomic_store(&h->cancelled, false);
	while (read(h->cancel_fd, &count, sizeof(count)) > 0)
		;
}

void host_release(struct host *h)
{
	if (h->cancel_fd >= 0)
		close(h->cancel_fd);
	h->cancel_fd = -1;
}

void host_clean(char *raw, char clean[MESSAGE_MAX])
{
	BUF_AUTO struct buf b = BUF_INIT(MESSAGE_MAX - 1);
	size_t n = strlen(raw);

	log_blank(raw, n);
	escape_message(&b, raw, n);
	if (b.len)
		memcpy(clean, b.p, b.len);
	clean[b.len] = '\0';
}

enum migrate_status migrate_fail(struct migrate_session *s, enum migrate_status status,
				 const char *format, ...)
{
	char raw[MESSAGE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	host_clean(raw, s->message);
	return status;
}

enum migrate_status migrate_fail_errno(struct migrate_session *s, int errnum, const char *format,
				       ...)
{
	const char *why = strerrordesc_np(errnum);
	char raw[MESSAGE_MAX];
	size_t n;
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	n = strlen(raw);
	if (why)
		snprintf(raw + n, sizeof(raw) - n, ": %s", why);
	else
		snprintf(raw + n, sizeof(raw) - n, ": error %d", errnum);
	host_clean(raw, s->message);
	return migrate_status_of_errno(errnum);
}

void migrate_retry_after(struct migrate_session *s, int64_t milliseconds)
{
	s->retry_after = milliseconds > 0 ? milliseconds : 0;
}

static uint64_t hash_text(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h;
}

/* True the first time; once the table is full, everything has been said. */
static bool first_time(struct end *e, const char *text)
{
	uint64_t h = hash_text(text);
	bool first = true;

	pthread_mutex_lock(&e->lock);
	for (size_t i = 0; i < e->noted_count; i++)
		if (e->noted[i] == h)
			first = false;
	if (e->noted_count == sizeof(e->noted) / sizeof(e->noted[0]))
		first = false;
	if (first)
		e->noted[e->noted_count++] = h;
	pthread_mutex_unlock(&e->lock);
	return first;
}

void migrate_note(struct migrate_session *s, const char *format, ...)
{
	char raw[MESSAGE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	if (first_time(s->end, raw))
		log_info("%s: %s", s->end->label, raw);
}

void migrate_debug(struct migrate_session *s, const char *format, ...)
{
	char raw[MESSAGE_MAX];
	va_list ap;

	if (!log_enabled(LOG_DEBUG))
		return;
	va_start(ap, format);
	vsnprintf(raw, sizeof(raw), format, ap);
	va_end(ap);
	log_debug("%s: %s", s->end->label, raw);
}

bool migrate_cancelled(struct migrate_session *s)
{
	return atomic_load_explicit(&s->host->cancelled, memory_order_relaxed);
}

void migrate_progress(struct migrate_session *s)
{
	atomic_store_explicit(&s->progress, clock_monotonic(), memory_order_relaxed);
}

int64_t migrate_deadline(struct migrate_session *s)
{
	return s->host->deadline;
}

/* poll() once for what is left until end; false: a signal came, go round again. */
static bool poll_once(struct pollfd fds[2], int64_t end, int *ready)
{
	int64_t left = (end - clock_monotonic() + NS_PER_MS - 1) / NS_PER_MS;

	if (left < 0)
		left = 0;
	*ready = poll(fds, 2, left > INT32_MAX ? INT32_MAX : (int)left);
	return *ready >= 0 || errno != EINTR;
}

int migrate_wait(struct migrate_session *s, int fd, short events, int64_t timeout_ms)
{
	struct pollfd fds[2] = { { .fd = fd, .events = events },
				 { .fd = s->host->cancel_fd, .events = POLLIN } };
	int64_t span = timeout_ms < 0 ? s->host->deadline : timeout_ms;
	int64_t now = clock_monotonic(), end = INT64_MAX;
	int ready = 0;

	if (span < (INT64_MAX - now) / NS_PER_MS)
		end = now + span * NS_PER_MS;
	while (!poll_once(fds, end, &ready))
		if (migrate_cancelled(s))
			return -1;
	if (ready < 0 || fds[1].revents || (fds[0].revents & POLLNVAL))
		return -1;
	if (fds[0].revents)
		migrate_progress(s);
	return fds[0].revents;
}

const char *migrate_job_id(struct migrate_session *s)
{
	return s->host->job_id;
}

const char *migrate_nearest(const char *name, const char *const *names, size_t count)
{
	return nearest_name(name, names, count);
}

bool migrate_is_utf8(const void *text, size_t n)
{
	return is_utf8(text, n);
}

struct migrate_sorter {
	struct migrate_session *session;
	struct sorter *sorter;
	bool reading, failed;
	struct error err;
};

struct migrate_sorter *migrate_sorter_new(struct migrate_session *session, size_t memory)
{
	struct migrate_sorter *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->session = session;
	m->sorter = sorter_new(memory, "");
	if (m->sorter)
		return m;
	free(m);
	return NULL;
}

/* Takes the blame to the session whose call is running. */
static bool sorter_failed(struct migrate_sorter *m)
{
	m->failed = true;
	migrate_fail(m->session, MIGRATE_UNAVAILABLE, "cannot sort: %s", m->err.text);
	return false;
}

bool migrate_sorter_add(struct migrate_sorter *m, const void *record, size_t n)
{
	struct migrate_bytes key = { .p = record, .n = n }, none = { .p = NULL, .n = 0 };

	if (m->failed || m->reading || (!record && n))
		return false;
	migrate_progress(m->session);
	return sorter_add(m->sorter, key, none, &m->err) == 0 || sorter_failed(m);
}

int migrate_sorter_next(struct migrate_sorter *m, struct migrate_bytes *record)
{
	struct migrate_bytes none;
	int got;

	if (m->failed)
		return -1;
	migrate_progress(m->session);
	if (!m->reading && sorter_finish(m->sorter, &m->err) < 0)
		return sorter_failed(m) - 1;
	m->reading = true;
	got = sorter_next(m->sorter, record, &none, &m->err);
	return got < 0 ? sorter_failed(m) - 1 : got;
}

void migrate_sorter_free(struct migrate_sorter *m)
{
	if (!m)
		return;
	sorter_free(m->sorter);
	free(m);
}
