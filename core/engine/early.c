/* SPDX-License-Identifier: MIT */
#include "engine/early.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A signal is seen, not taken: reading it is left to the run. */
static void *watch(void *arg)
{
	struct early *w = arg;
	struct pollfd fds[2] = { { .fd = w->signals, .events = POLLIN },
				 { .fd = w->end, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (fds[0].revents)
		host_cancel(w->host);
	return NULL;
}

static void close_both(struct early *w)
{
	if (w->signals >= 0)
		close(w->signals);
	if (w->end >= 0)
		close(w->end);
	w->signals = w->end = -1;
}

void early_begin(struct early *w, struct host *h)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	*w = (struct early){ .host = h, .signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) };
	w->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->signals < 0 || w->end < 0 || pthread_create(&w->thread, NULL, watch, w))
		close_both(w); /* then it is heard once the ends are open */
}

bool early_end(struct early *w)
{
	const uint64_t one = 1;
	bool cancelled;

	if (w->end < 0)
		return false;
	while (write(w->end, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(w->thread, NULL);
	close_both(w);
	cancelled = atomic_load(&w->host->cancelled);
	if (cancelled)
		host_resume(w->host);
	return cancelled;
}
