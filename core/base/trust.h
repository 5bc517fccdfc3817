/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_TRUST_H
#define MIGRATE_BASE_TRUST_H

#include "base/error.h"

#include <sys/stat.h>
#include <sys/types.h>

/*
 * What may be obeyed of what lies in a file system that other users of the machine
 * share: files and folders that nobody can write to but root, the user who runs us,
 * and at most one more, the owner of the file that the operator named (a job file
 * decides everything already).
 */
struct trust {
	uid_t also;      /* 0: nobody else */
	const char *so;  /* what follows: "not loaded" */
	bool links;      /* a file may have several names */
	bool may_create; /* folder: sticky, or its owner's own group's, is good enough */
};

/*
 * These return 0, or -1 with err (EXIT_USAGE) naming the file and what to do. `what`
 * says what it is meant to be: "file", "journal". st is of the file itself, never of
 * what a symbolic link leads to.
 */

/* A regular file. */
int trust_file(const struct trust *t, const struct stat *st, const char *what, const char *path,
	       struct error *err);
/* The folder that a path lies in; it must exist. */
int trust_folder_of(const struct trust *t, const char *path, struct error *err);
/* Whose it is alone: the same for what is neither, such as a symbolic link. */
int trust_owner(const struct trust *t, const struct stat *st, const char *what, const char *path,
		struct error *err);

/*
 * A file that we made as root for somebody else's work is his: what we are to *st's
 * owner. 0 or an errno.
 */
int trust_give(int fd, const struct stat *st);

#endif
