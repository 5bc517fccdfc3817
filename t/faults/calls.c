/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#ifdef __x86_64__ /* killat knows no other machine's registers */

/* Where a call keeps what it touches. */
enum shape {
	SHAPE_FD,     /* args[at]: a descriptor */
	SHAPE_PATH,   /* args[at]: a path */
	SHAPE_AT,     /* args[at]: a folder's descriptor, args[at + 1]: a path below it */
	SHAPE_NOWHERE /* memory: msync */
};

struct call_kind {
	const char *name;
	long number;
	unsigned class;
	enum shape shape;
	unsigned at; /* index of its argument */
	int length;  /* index of the byte count, -1: none */
	int vector;  /* index of an iovec array (count behind it), -1: none */
};

#define FD(name_, class_, at_)                                                                     \
	{                                                                                          \
#name_, SYS_##name_, class_, SHAPE_FD, at_, -1, -1                                 \
	}
#define PATH(name_, class_, at_)                                                                   \
	{                                                                                          \
#name_, SYS_##name_, class_, SHAPE_PATH, at_, -1, -1                               \
	}
#define AT(name_, class_, at_)                                                                     \
	{                                                                                          \
#name_, SYS_##name_, class_, SHAPE_AT, at_, -1, -1                                 \
	}

static const struct call_kind kinds[] = {
	{ "write", SYS_write, CALL_WRITE, SHAPE_FD, 0, 2, -1 },
	{ "pwrite64", SYS_pwrite64, CALL_WRITE, SHAPE_FD, 0, 2, -1 },
	{ "writev", SYS_writev, CALL_WRITE, SHAPE_FD, 0, -1, 1 },
	{ "pwritev", SYS_pwritev, CALL_WRITE, SHAPE_FD, 0, -1, 1 },
	{ "pwritev2", SYS_pwritev2, CALL_WRITE, SHAPE_FD, 0, -1, 1 },
	{ "copy_file_range", SYS_copy_file_range, CALL_COPY, SHAPE_FD, 2, 4, -1 },
	{ "sendfile", SYS_sendfile, CALL_COPY, SHAPE_FD, 0, 3, -1 },
	{ "splice", SYS_splice, CALL_COPY, SHAPE_FD, 2, 4, -1 },
	FD(ioctl, CALL_COPY, 0),
	FD(fsync, CALL_SYNC, 0),
	FD(fdatasync, CALL_SYNC, 0),
	FD(syncfs, CALL_SYNC, 0),
	FD(sync_file_range, CALL_SYNC, 0),
	{ "sync", SYS_sync, CALL_SYNC, SHAPE_NOWHERE, 0, -1, -1 },
	{ "msync", SYS_msync, CALL_SYNC, SHAPE_NOWHERE, 0, -1, -1 },
	PATH(link, CALL_LINK, 1),
	AT(linkat, CALL_LINK, 2),
	PATH(symlink, CALL_LINK, 1),
	AT(symlinkat, CALL_LINK, 1),
	PATH(rename, CALL_RENAME, 1),
	AT(renameat, CALL_RENAME, 2),
	AT(renameat2, CALL_RENAME, 2),
	PATH(unlink, CALL_UNLINK, 0),
	AT(unlinkat, CALL_UNLINK, 0),
	PATH(rmdir, CALL_UNLINK, 0),
	PATH(mkdir, CALL_MKDIR, 0),
	AT(mkdirat, CALL_MKDIR, 0),
	PATH(mknod, CALL_MKDIR, 0),
	AT(mknodat, CALL_MKDIR, 0),
	PATH(open, CALL_OPEN, 0),
	PATH(creat, CALL_OPEN, 0),
	AT(openat, CALL_OPEN, 0),
	AT(openat2, CALL_OPEN, 0),
	PATH(truncate, CALL_TRUNCATE, 0),
	FD(ftruncate, CALL_TRUNCATE, 0),
	FD(fallocate, CALL_TRUNCATE, 0),
	PATH(chmod, CALL_ATTRIBUTE, 0),
	FD(fchmod, CALL_ATTRIBUTE, 0),
	AT(fchmodat, CALL_ATTRIBUTE, 0),
	PATH(chown, CALL_ATTRIBUTE, 0),
	PATH(lchown, CALL_ATTRIBUTE, 0),
	FD(fchown, CALL_ATTRIBUTE, 0),
	AT(fchownat, CALL_ATTRIBUTE, 0),
	PATH(utime, CALL_ATTRIBUTE, 0),
	PATH(utimes, CALL_ATTRIBUTE, 0),
	AT(utimensat, CALL_ATTRIBUTE, 0),
	AT(futimesat, CALL_ATTRIBUTE, 0),
	PATH(setxattr, CALL_ATTRIBUTE, 0),
	PATH(lsetxattr, CALL_ATTRIBUTE, 0),
	FD(fsetxattr, CALL_ATTRIBUTE, 0),
	PATH(removexattr, CALL_ATTRIBUTE, 0),
	PATH(lremovexattr, CALL_ATTRIBUTE, 0),
	FD(fremovexattr, CALL_ATTRIBUTE, 0),
	{ "sendto", SYS_sendto, CALL_SEND, SHAPE_FD, 0, 2, -1 },
	FD(sendmsg, CALL_SEND, 0),
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static const struct {
	const char *name;
	unsigned class;
} classes[] = {
	{ "write", CALL_WRITE },         { "copy", CALL_COPY },     { "sync", CALL_SYNC },
	{ "link", CALL_LINK },           { "rename", CALL_RENAME }, { "unlink", CALL_UNLINK },
	{ "mkdir", CALL_MKDIR },         { "open", CALL_OPEN },     { "truncate", CALL_TRUNCATE },
	{ "attribute", CALL_ATTRIBUTE }, { "send", CALL_SEND },
};

bool call_selector(const char *name, size_t n, unsigned *mask, const char **call)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strlen(classes[i].name) == n && !memcmp(classes[i].name, name, n)) {
			*mask |= classes[i].class;
			return true;
		}
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strlen(kinds[i].name) == n && !memcmp(kinds[i].name, name, n)) {
			*call = kinds[i].name;
			return true;
		}
	return false;
}

const char *call_name(const struct call *c)
{
	return c->kind->name;
}

unsigned call_class_of(const struct call *c)
{
	return c->kind->class;
}

/* ---- Looking into the stopped thread ---- */

static bool peek(pid_t tid, uint64_t address, void *to, size_t n)
{
	struct iovec mine = { to, n };
	struct iovec theirs = { (void *)(uintptr_t)address, n };

	return process_vm_readv(tid, &mine, 1, &theirs, 1, 0) == (ssize_t)n;
}

static bool poke(pid_t tid, uint64_t address, void *from, size_t n)
{
	struct iovec mine = { from, n };
	struct iovec theirs = { (void *)(uintptr_t)address, n };

	return process_vm_writev(tid, &mine, 1, &theirs, 1, 0) == (ssize_t)n;
}

/* A NUL-terminated text of theirs; cut at size. Byte by byte near the end of a page. */
static bool peek_text(pid_t tid, uint64_t address, char *to, size_t size)
{
	for (size_t n = 0; n + 1 < size;) {
		size_t want = 4096 - (size_t)((address + n) % 4096);

		if (want > size - 1 - n)
			want = size - 1 - n;
		if (!peek(tid, address + n, to + n, want))
			return false;
		if (memchr(to + n, 0, want))
			return true;
		n += want;
	}
	to[size - 1] = 0;
	return true;
}

/* The path behind a descriptor of theirs; AT_FDCWD is their working directory. */
static void path_of_fd(pid_t tid, int fd, char *to, size_t size)
{
	char link[64];
	ssize_t n;

	if (fd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/%d/cwd", (int)tid);
	else
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)tid, fd);
	n = readlink(link, to, size - 1);
	to[n > 0 ? n : 0] = 0;
}

static void path_below(pid_t tid, int folder, uint64_t address, char *to, size_t size)
{
	char name[4096] = "";
	size_t n;

	to[0] = 0;
	if (address == 0 || !peek_text(tid, address, name, sizeof(name)))
		name[0] = 0;
	if (name[0] != '/')
		path_of_fd(tid, folder, to, size);
	n = strlen(to);
	if (name[0])
		snprintf(to + n, size - n, "%s%s", n ? "/" : "", name);
}

static void find_path(struct call *c)
{
	const struct call_kind *k = c->kind;

	c->path[0] = 0;
	if (k->shape == SHAPE_FD)
		path_of_fd(c->tid, (int)c->args[k->at], c->path, sizeof(c->path));
	else if (k->shape == SHAPE_PATH)
		path_below(c->tid, AT_FDCWD, c->args[k->at], c->path, sizeof(c->path));
	else if (k->shape == SHAPE_AT)
		path_below(c->tid, (int)c->args[k->at], c->args[k->at + 1], c->path,
			   sizeof(c->path));
}

static bool stat_fd(pid_t tid, int fd, struct stat *st)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)tid, fd);
	return stat(link, st) == 0;
}

/* Files and folders count; pipes, sockets, terminals, eventfds do not, nor what is printed. */
static bool fd_counts(pid_t tid, int fd)
{
	struct stat st;

	if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
		return false;
	return stat_fd(tid, fd, &st) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static bool creates(uint64_t flags)
{
	return (flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE;
}

static bool open_counts(const struct call *c)
{
	struct open_how how;

	switch (c->kind->number) {
	case SYS_open:
		return creates(c->args[1]);
	case SYS_openat:
		return creates(c->args[2]);
	case SYS_openat2:
		return peek(c->tid, c->args[2], &how, sizeof(how)) && creates(how.flags);
	default:
		return true;
	}
}

static bool counts(const struct call *c)
{
	const struct call_kind *k = c->kind;

	if (k->number == SYS_ioctl && c->args[1] != FICLONE && c->args[1] != FICLONERANGE)
		return false;
	if (k->class == CALL_SEND)
		return true;
	if (k->shape == SHAPE_FD)
		return fd_counts(c->tid, (int)c->args[k->at]);
	if (k->number == SYS_utimensat && c->args[1] == 0)
		return fd_counts(c->tid, (int)c->args[0]);
	return k->class != CALL_OPEN || open_counts(c);
}

bool call_read(struct call *c, pid_t tid)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &r) != 0)
		return false;
	c->tid = tid;
	c->kind = NULL;
	for (size_t i = 0; i < KIND_COUNT; i++)
		if ((unsigned long)kinds[i].number == r.orig_rax)
			c->kind = &kinds[i];
	if (!c->kind)
		return false;
	c->args[0] = r.rdi, c->args[1] = r.rsi, c->args[2] = r.rdx;
	c->args[3] = r.r10, c->args[4] = r.r8, c->args[5] = r.r9;
	if (!counts(c))
		return false;
	find_path(c);
	return true;
}

/* ---- Changing the call ---- */

static bool set_argument(struct call *c, int i, uint64_t value)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, c->tid, NULL, &r) != 0)
		return false;
	switch (i) {
	case 2:
		r.rdx = value;
		break;
	case 3:
		r.r10 = value;
		break;
	case 4:
		r.r8 = value;
		break;
	default:
		return false;
	}
	c->args[i] = value;
	return ptrace(PTRACE_SETREGS, c->tid, NULL, &r) == 0;
}

/* Cut the vector to half its bytes: the element in the middle is shortened, the rest left out. */
static bool halve_vector(struct call *c, unsigned at)
{
	struct iovec v[64];
	size_t n = (size_t)c->args[at + 1], total = 0, kept = 0;

	if (n > 64 || !peek(c->tid, c->args[at], v, n * sizeof(v[0])))
		return false;
	for (size_t i = 0; i < n; i++)
		total += v[i].iov_len;
	for (size_t i = 0; i < n; i++) {
		if (kept + v[i].iov_len < total / 2) {
			kept += v[i].iov_len;
			continue;
		}
		v[i].iov_len = total / 2 - kept;
		return total > 1 &&
		       poke(c->tid, c->args[at] + i * sizeof(v[0]), &v[i], sizeof(v[0])) &&
		       set_argument(c, (int)at + 1, i + 1);
	}
	return false;
}

bool call_halve(struct call *c)
{
	const struct call_kind *k = c->kind;
	struct stat st;
	uint64_t n;

	if (k->vector >= 0)
		return halve_vector(c, (unsigned)k->vector);
	if (k->length < 0)
		return false;
	n = c->args[k->length];
	/* a copy often asks for more than there is: halve what there is */
	if (k->class == CALL_COPY) {
		int in = (int)c->args[k->number == SYS_sendfile ? 1 : 0];

		if (stat_fd(c->tid, in, &st) && st.st_size >= 0 && n > (uint64_t)st.st_size)
			n = (uint64_t)st.st_size;
	}
	return n > 1 && set_argument(c, k->length, n / 2);
}

bool call_refuse(struct call *c, int errnum)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, c->tid, NULL, &r) != 0)
		return false;
	r.orig_rax = (unsigned long long)-1;
	r.rax = (unsigned long long)-errnum;
	return ptrace(PTRACE_SETREGS, c->tid, NULL, &r) == 0;
}

long call_result(pid_t tid)
{
	struct user_regs_struct r;

	return ptrace(PTRACE_GETREGS, tid, NULL, &r) == 0 ? (long)r.rax : -1;
}

/* ---- The filter ---- */

struct sock_filter *call_filter(size_t *n)
{
	struct sock_filter *f = calloc(KIND_COUNT * 2 + 5, sizeof(*f));
	size_t i = 0;

	if (!f)
		return NULL;
	f[i++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, arch));
	f[i++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	f[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	f[i++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, nr));
	for (size_t k = 0; k < KIND_COUNT; k++) {
		f[i++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						      (unsigned)kinds[k].number, 0, 1);
		f[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	f[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	*n = i;
	return f;
}

#endif
