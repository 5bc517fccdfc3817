/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * credential_process of a profile: a program that prints keys as JSON. It is spawned
 * and waited for here, once per renewal; nothing of the job is shown to it.
 */
#define OUTPUT_MAX 65536

extern char **environ;

static bool spawn(const char *command, int out, pid_t *pid)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	posix_spawn_file_actions_t actions;
	bool ok;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	ok = !posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0) &&
	     !posix_spawn_file_actions_adddup2(&actions, out, 1) &&
	     !posix_spawn(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return ok;
}

/* What it prints, until it ends, its time is over or the core wants us back. */
static bool read_all(struct s3_session *s, int fd, struct text *output)
{
	char buffer[4096];
	ssize_t n = -1;

	while (output->n < OUTPUT_MAX && migrate_wait(s->ms, fd, POLLIN, 30000) > 0) {
		n = read(fd, buffer, sizeof(buffer));
		if (n <= 0)
			break;
		text_add(output, buffer, (size_t)n);
	}
	explicit_bzero(buffer, sizeof(buffer));
	return !n && !output->bad;
}

enum migrate_status s3_keys_process(struct s3_session *s, const char *command, struct s3_keys *k)
{
	struct text output = { .p = NULL };
	int ends[2], status = -1;
	pid_t pid = -1;
	bool ok;

	if (pipe2(ends, O_CLOEXEC))
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "credential_process: no pipe");
	ok = spawn(command, ends[1], &pid);
	close(ends[1]);
	if (ok) {
		ok = read_all(s, ends[0], &output);
		if (!ok)
			kill(pid, SIGKILL);
		ok = waitpid(pid, &status, 0) == pid && !status && ok;
	}
	close(ends[0]);
	ok = ok && s3_json_keys(k, text_get(&output), output.n);
	if (output.p)
		OPENSSL_cleanse(output.p, output.cap);
	text_release(&output);
	return ok ? MIGRATE_OK
		  : migrate_fail(s->ms, MIGRATE_UNAVAILABLE,
				 "credential_process: it gives no credentials");
}
