/* SPDX-License-Identifier: MIT */
#ifndef T_FAULTS_CALLS_H
#define T_FAULTS_CALLS_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The system calls that can change something a crash may tear, and what one of
 * them is about: its class, the file it touches, how many bytes it would write.
 *
 * Only calls that can change a file or a folder count: an open() that creates
 * nothing, a write to a pipe, an eventfd, standard output or standard error do not.
 */
enum call_class {
	CALL_WRITE = 1 << 0, /* write, pwrite64, writev, pwritev, pwritev2 */
	CALL_COPY = 1 << 1,  /* copy_file_range, sendfile, splice, FICLONE */
	CALL_SYNC = 1 << 2,  /* fsync, fdatasync, syncfs, sync_file_range, msync */
	CALL_LINK = 1 << 3,  /* link, symlink and their kin */
	CALL_RENAME = 1 << 4,
	CALL_UNLINK = 1 << 5,    /* unlink, rmdir */
	CALL_MKDIR = 1 << 6,     /* mkdir, mknod */
	CALL_OPEN = 1 << 7,      /* open that creates or truncates */
	CALL_TRUNCATE = 1 << 8,  /* truncate, ftruncate, fallocate */
	CALL_ATTRIBUTE = 1 << 9, /* modes, owners, times, extended attributes */
	CALL_SEND = 1 << 10      /* sendto, sendmsg: only where they are asked for */
};
#define CALL_ANY 0x3ffu

/* One call of a stopped thread. */
struct call {
	pid_t tid;
	const struct call_kind *kind;
	uint64_t args[6];
	char path[4096]; /* what it touches; "" when that cannot be told */
};

/* A class by its name ("sync") or one call by its own ("fdatasync"). False: no such name. */
bool call_selector(const char *name, size_t n, unsigned *classes, const char **call);

const char *call_name(const struct call *c);
unsigned call_class_of(const struct call *c);

/* Fill c from a thread in its seccomp stop. False: this call changes nothing. */
bool call_read(struct call *c, pid_t tid);

/*
 * Make the call write half of what it would. False: it writes nothing that can be
 * halved (one byte, no bytes).
 */
bool call_halve(struct call *c);

/* Make the call fail with errnum without being made. */
bool call_refuse(struct call *c, int errnum);

/* What the call of a thread that returns from it came to: 0 or more, or -errno. */
long call_result(pid_t tid);

/* The seccomp program that stops at all of these; *n instructions, the caller frees it. */
struct sock_filter *call_filter(size_t *n);

#endif
