/* SPDX-License-Identifier: MIT */
#include "plugin/load.h"

#include "base/trust.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever may write it could make us run anything. */
static const struct trust code = { .so = "not loaded", .links = true };

static int check_elf(int fd, struct error *err)
{
	Elf64_Ehdr h; /* e_type stands at the same place for 32 bits */
	ssize_t got = pread(fd, &h, sizeof(h), 0);

	if (got < 0)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot read it");
	if ((size_t)got < sizeof(h) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
		return error_set(err, EXIT_USAGE, "it is no ELF file, so no plugin");
	if (h.e_type != ET_DYN)
		return error_set(err, EXIT_USAGE, "it is no shared object, so no plugin");
	return 0;
}

static int check_open_file(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot look at it");
	if (!S_ISREG(st.st_mode))
		return error_set(err, EXIT_USAGE, "it is no regular file, so no plugin");
	if (trust_file(&code, &st, "file", path, err) < 0)
		return -1;
	return check_elf(fd, err);
}

int load_check_file(const char *path, struct error *err)
{
	int fd, result;

	if (trust_folder_of(&code, path, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set_errno(err, EXIT_USAGE, errno, "cannot open it");
	result = check_open_file(fd, path, err);
	close(fd);
	return result;
}

/* The dynamic linker names the library that it did not find in front of its sentence. */
static int dlopen_failed(const char *path, struct error *err)
{
	const char *why = dlerror();
	const char *missing = why ? strstr(why, ": cannot open shared object file") : NULL;

	if (!why)
		return error_set(err, EXIT_USAGE, "cannot load it");
	if (missing && strncmp(why, path, strlen(path)) != 0)
		return error_set(err, EXIT_USAGE, "it needs %.*s, which is not installed",
				 (int)(missing - why), why);
	return error_set(err, EXIT_USAGE, "cannot load it: %s", why);
}

const struct migrate_plugin *load_open(const char *path, struct error *err)
{
	const struct migrate_plugin *(*entry)(void);
	const struct migrate_plugin *p;
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	void *symbol;

	if (!handle) {
		dlopen_failed(path, err);
		return NULL;
	}
	symbol = dlsym(handle, "migrate_plugin_v1");
	if (!symbol) {
		error_set(err, EXIT_USAGE, "it does not export migrate_plugin_v1(), so no plugin");
		return NULL;
	}
	/* POSIX promises that this works; ISO C has no cast for it. */
	memcpy(&entry, &symbol, sizeof(entry));
	p = entry();
	if (!p)
		error_set(err, EXIT_USAGE, "migrate_plugin_v1() returned nothing");
	return p;
}
