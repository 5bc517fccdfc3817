/* SPDX-License-Identifier: MIT */
#include "cmd/signals.h"

#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

static struct {
	int signals, end; /* descriptors; only while it is watched */
	bool watched;
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	void (*first)(void *arg);
	void *arg;
	unsigned heard;
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void leave_at_once(void)
{
	log_warn("leaving at once; run again to go on");
	_exit(EXIT_INTERRUPTED);
}

static void hear(void)
{
	pthread_mutex_lock(&watch.lock);
	if (watch.heard++ || !watch.first)
		leave_at_once();
	watch.first(watch.arg);
	pthread_mutex_unlock(&watch.lock);
}

static void *listen(void *unused)
{
	struct pollfd fds[2] = { { .fd = watch.signals, .events = POLLIN },
				 { .fd = watch.end, .events = POLLIN } };
	struct signalfd_siginfo info;

	(void)unused;
	while (!fds[1].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		while (read(watch.signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
			hear();
	}
	return NULL;
}

static void close_both(void)
{
	if (watch.signals >= 0)
		close(watch.signals);
	if (watch.end >= 0)
		close(watch.end);
}

int signals_watch(struct error *err)
{
	sigset_t set;
	int failed;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	watch.heard = 0;
	watch.first = NULL;
	watch.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	watch.end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	failed = watch.signals < 0 || watch.end < 0 ? errno : 0;
	if (!failed)
		failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (!failed)
		failed = pthread_create(&watch.thread, NULL, listen, NULL);
	if (failed) {
		close_both();
		return error_set_errno(err, EXIT_INTERNAL, failed, "cannot listen for signals");
	}
	watch.watched = true;
	return 0;
}

void signals_on_first(void (*first)(void *arg), void *arg)
{
	pthread_mutex_lock(&watch.lock);
	watch.first = first;
	watch.arg = arg;
	if (first && watch.heard)
		first(arg);
	pthread_mutex_unlock(&watch.lock);
}

void signals_unwatch(void)
{
	const uint64_t one = 1;

	if (!watch.watched)
		return;
	watch.watched = false;
	while (write(watch.end, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(watch.thread, NULL);
	close_both();
}
