/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * credential_process of a profile: a program that prints keys as JSON. It is spawned
 * and waited for here, once per renewal; nothing of the job is shown to it. It has a
 * process group of its own, so that what it starts ends with it, and its own words
 * go to standard error.
 */
#define OUTPUT_MAX 65536
#define PATIENCE 60000 /* ms */

extern char **environ;

/* Signals as a fresh program expects them: our threads block some, and ignore SIGPIPE. */
static bool set_attributes(posix_spawnattr_t *a)
{
	const short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t none, usual;

	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGPIPE);
	return !posix_spawnattr_setflags(a, flags) && !posix_spawnattr_setpgroup(a, 0) &&
	       !posix_spawnattr_setsigmask(a, &none) && !posix_spawnattr_setsigdefault(a, &usual);
}

static bool spawn(const char *command, int out, pid_t *pid)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	bool ok;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	if (posix_spawnattr_init(&attributes)) {
		posix_spawn_file_actions_destroy(&actions);
		return false;
	}
	ok = set_attributes(&attributes) &&
	     !posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) &&
	     !posix_spawn_file_actions_adddup2(&actions, out, 1) &&
	     !posix_spawn(pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return ok;
}

/* What it prints, until it ends, its time is over or the core wants us back; NULL: whole. */
static const char *read_all(struct s3_session *s, int fd, int64_t end, struct text *output)
{
	int64_t left;
	const char *trouble = NULL;
	char buffer[4096];

	while (!trouble) {
		ssize_t n;

		left = end - s3_monotonic();
		if (left <= 0 || migrate_wait(s->ms, fd, POLLIN, left) <= 0) {
			trouble = migrate_cancelled(s->ms) ? "it was ended" : "it took too long";
			break;
		}
		n = read(fd, buffer, sizeof(buffer));
		if (!n)
			break;
		if (n < 0 && errno != EINTR)
			trouble = "it cannot be read";
		else if (n > 0 && !text_add(output, buffer, (size_t)n))
			trouble = "there is no memory for what it prints";
		else if (output->n > OUTPUT_MAX)
			trouble = "it prints too much";
	}
	explicit_bzero(buffer, sizeof(buffer));
	return trouble;
}

/* Its end, which need not come because its output did; then it is ended. */
static const char *wait_for(struct s3_session *s, pid_t pid, int64_t end, int *status)
{
	const char *trouble = NULL;
	pid_t got;

	*status = -1;
	while (!(got = waitpid(pid, status, WNOHANG)) || (got < 0 && errno == EINTR)) {
		if (!trouble && (migrate_cancelled(s->ms) || s3_monotonic() >= end)) {
			trouble = migrate_cancelled(s->ms) ? "it was ended" : "it took too long";
			kill(-pid, SIGKILL);
		}
		migrate_wait(s->ms, -1, 0, 10);
	}
	return trouble;
}

static enum migrate_status run(struct s3_session *s, const char *command, const char *what,
			       int ends[2], struct text *output)
{
	const char *trouble = "it cannot be started", *late;
	int64_t end = s3_monotonic() + PATIENCE;
	int status = 0;
	pid_t pid = -1;
	bool ok = spawn(command, ends[1], &pid);

	close(ends[1]);
	if (ok) {
		trouble = read_all(s, ends[0], end, output);
		if (trouble)
			kill(-pid, SIGKILL);
		late = wait_for(s, pid, end, &status);
		trouble = trouble ? trouble : late;
	}
	close(ends[0]);
	if (trouble)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: %s", what, trouble);
	if (status)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: it ended with %s %d", what,
				    WIFEXITED(status) ? "status" : "signal",
				    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return MIGRATE_OK;
}

enum migrate_status s3_keys_process(struct s3_session *s, const char *command, const char *profile,
				    struct s3_keys *k)
{
	struct text output = { .p = NULL };
	enum migrate_status status;
	char what[300];
	int ends[2];

	snprintf(what, sizeof(what), "the credential_process of profile '%s'", profile);
	if (pipe2(ends, O_CLOEXEC))
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "%s: there is no pipe for it",
				    what);
	status = run(s, command, what, ends, &output);
	if (status == MIGRATE_OK)
		status = s3_json_keys(s, k, &output, what);
	text_wipe(&output);
	return status;
}
