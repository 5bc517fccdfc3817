/* SPDX-License-Identifier: MIT */
/*
 * nth: the Nth allocation, open, read or connect of a program fails. Loaded before all others:
 *
 *	LD_PRELOAD=nth.so NTH_OF=alloc NTH_AT=17 NTH_REPORT=FILE COMMAND
 *
 * NTH_OF: alloc, open, read (also from sockets) or connect. NTH_AT: which of them, from 1 on; 0: none,
 * they are only counted, and where each was called from is recorded. NTH_FOREVER=1: all from that one on.
 * NTH_REPORT: a file of the size of struct report below, which is there and zero; t/torture reads it.
 *
 * Unlike killat it sees calls that change nothing, and lets leaks be looked for: sanitizers do not
 * like to be traced. What the loader itself allocates is left alone: it ends the process by design.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SITES_MAX = 1 << 18, FRAMES = 12 };
enum kind { NONE, ALLOC, OPEN, READ, CONNECT };

struct report {
	atomic_long count;
	atomic_long struck;        /* how many */
	char where[4080];          /* the first one: its callers, one a line: module+offset */
	uint64_t sites[SITES_MAX]; /* of each call, by number, what its callers come to */
};

static struct report nothing;
static struct report *report = &nothing;
static enum kind kind;
static long at;
static bool forever;
/* a call of this file's own */
static __thread bool within __attribute__((tls_model("initial-exec")));

static enum kind kind_of(const char *name)
{
	static const char *const names[] = { "", "alloc", "open", "read", "connect" };

	for (int i = ALLOC; name && i <= CONNECT; i++)
		if (!strcmp(name, names[i]))
			return (enum kind)i;
	return NONE;
}

/* The environment is kept from children: one program is struck. */
__attribute__((constructor)) static void begin(void)
{
	const char *number = getenv("NTH_AT"), *file = getenv("NTH_REPORT");
	int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;
	void *p = MAP_FAILED;

	if (fd >= 0) {
		p = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (p == MAP_FAILED)
		return;
	report = p;
	at = number ? strtol(number, NULL, 10) : 0;
	forever = getenv("NTH_FOREVER") != NULL;
	within = true;
	backtrace(&p, 1); /* it allocates the first time */
	within = false;
	kind = kind_of(getenv("NTH_OF"));
	unsetenv("LD_PRELOAD");
}

/* Where an address is, whatever the addresses of this process are. */
static bool place_of(void *address, const char **module, uintptr_t *offset)
{
	Dl_info info;

	if (!dladdr(address, &info) || !info.dli_fname)
		return false;
	*module = strrchr(info.dli_fname, '/') ? strrchr(info.dli_fname, '/') + 1 : info.dli_fname;
	*offset = (uintptr_t)address - (uintptr_t)info.dli_fbase;
	return true;
}

static uint64_t hash_of(void *const *frames, int n)
{
	uint64_t h = 14695981039346656037u;
	const char *module;
	uintptr_t offset;

	for (int i = 2; i < n; i++) {
		if (!place_of(frames[i], &module, &offset))
			continue;
		h = (h ^ offset) * 1099511628211u;
		h ^= (uint64_t)module[0] << 32;
	}
	return h;
}

static void tell(void *const *frames, int n)
{
	const char *module;
	uintptr_t offset;
	size_t used = 0;

	for (int i = 2; i < n && used < sizeof(report->where) - 300; i++)
		if (place_of(frames[i], &module, &offset))
			used += (size_t)snprintf(report->where + used, 280, "%.200s+0x%lx\n",
						 module, (unsigned long)offset);
}

/* Is this the one? */
static bool strikes(enum kind k, void *caller)
{
	const char *module;
	uintptr_t offset;
	void *frames[FRAMES];
	bool due = false;
	long n;

	if (k != kind || within)
		return false;
	within = true;
	if (!place_of(caller, &module, &offset) || strncmp(module, "ld-linux", 8) != 0) {
		n = atomic_fetch_add(&report->count, 1) + 1;
		due = at > 0 && (n == at || (forever && n > at));
		if (at == 0 && n <= SITES_MAX)
			report->sites[n - 1] = hash_of(frames, backtrace(frames, FRAMES));
		if (due && atomic_fetch_add(&report->struck, 1) == 0)
			tell(frames, backtrace(frames, FRAMES));
	}
	within = false;
	return due;
}
#define STRIKES(kind_) strikes(kind_, __builtin_return_address(0))
/* The rest of a function whose like is `behind`. */
#define STRIKE(kind_, errno_, failed_, ...)                                                        \
	if (!STRIKES(kind_))                                                                       \
		return behind(__VA_ARGS__);                                                        \
	errno = errno_;                                                                            \
	return failed_

/* The function of that name behind this one: of a sanitizer, or of the C library. */
#define BEHIND(name_)                                                                              \
	static __typeof__(&(name_)) behind;                                                        \
	if (!behind) {                                                                             \
		void *found_ = dlsym(RTLD_NEXT, #name_);                                           \
		memcpy(&behind, &found_, sizeof(found_));                                          \
	}                                                                                          \
	(void)0

/* ---- Allocations ---- */

void *malloc(size_t size)
{
	BEHIND(malloc);
	STRIKE(ALLOC, ENOMEM, NULL, size);
}

void *calloc(size_t n, size_t size)
{
	BEHIND(calloc);
	STRIKE(ALLOC, ENOMEM, NULL, n, size);
}

void *realloc(void *p, size_t size)
{
	BEHIND(realloc);
	STRIKE(ALLOC, ENOMEM, NULL, p, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
	BEHIND(reallocarray);
	STRIKE(ALLOC, ENOMEM, NULL, p, n, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	BEHIND(aligned_alloc);
	STRIKE(ALLOC, ENOMEM, NULL, alignment, size);
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	BEHIND(posix_memalign);
	return STRIKES(ALLOC) ? ENOMEM : behind(p, alignment, size);
}

/* A sanitizer's own strdup() and strndup() call no malloc(). */
char *strdup(const char *s)
{
	BEHIND(strdup);
	STRIKE(ALLOC, ENOMEM, NULL, s);
}

char *strndup(const char *s, size_t n)
{
	BEHIND(strndup);
	STRIKE(ALLOC, ENOMEM, NULL, s, n);
}

/* ---- Opens: as if there were too many ---- */

#define MODE_OF(last_)                                                                             \
	mode_t mode;                                                                               \
	va_list arguments;                                                                         \
	va_start(arguments, last_);                                                                \
	mode = last_ & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;                      \
	va_end(arguments)

int open(const char *path, int flags, ...)
{
	BEHIND(open);
	MODE_OF(flags);
	STRIKE(OPEN, EMFILE, -1, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	BEHIND(openat);
	MODE_OF(flags);
	STRIKE(OPEN, EMFILE, -1, folder, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	BEHIND(open64);
	MODE_OF(flags);
	STRIKE(OPEN, EMFILE, -1, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
	BEHIND(openat64);
	MODE_OF(flags);
	STRIKE(OPEN, EMFILE, -1, folder, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	BEHIND(fopen);
	STRIKE(OPEN, EMFILE, NULL, path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
	BEHIND(fopen64);
	STRIKE(OPEN, EMFILE, NULL, path, mode);
}

/* openat2() has no function of its own. */
long syscall(long number, ...)
{
	BEHIND(syscall);
	va_list arguments;
	long a[6];

	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number != SYS_openat2 || !STRIKES(OPEN))
		return behind(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	errno = EMFILE;
	return -1;
}

/* ---- Reads: of a disk that is broken, or a connection that is ---- */

static int read_error(int fd)
{
	int type;
	socklen_t size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 ? ECONNRESET : EIO;
}

ssize_t read(int fd, void *to, size_t n)
{
	BEHIND(read);
	STRIKE(READ, read_error(fd), -1, fd, to, n);
}

ssize_t pread(int fd, void *to, size_t n, off_t from)
{
	BEHIND(pread);
	STRIKE(READ, EIO, -1, fd, to, n, from);
}

ssize_t pread64(int fd, void *to, size_t n, off64_t from)
{
	BEHIND(pread64);
	STRIKE(READ, EIO, -1, fd, to, n, from);
}

ssize_t recv(int fd, void *to, size_t n, int flags)
{
	BEHIND(recv);
	STRIKE(READ, ECONNRESET, -1, fd, to, n, flags);
}

ssize_t recvfrom(int fd, void *to, size_t n, int flags, __SOCKADDR_ARG from, socklen_t *size)
{
	BEHIND(recvfrom);
	STRIKE(READ, ECONNRESET, -1, fd, to, n, flags, from, size);
}

int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t size)
{
	BEHIND(connect);
	STRIKE(CONNECT, ECONNREFUSED, -1, fd, to, size);
}
