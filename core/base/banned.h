/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_BANNED_H
#define MIGRATE_BASE_BANNED_H

/*
 * Functions that cannot be used safely, or not by threads. The build includes
 * this file before everything else, in every file; the headers that declare
 * them come first, so that only calls are caught.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BANNED(name_) banned_function_##name_

/* No end in sight: use struct buf, or snprintf with a checked result. */
#undef strcpy
#define strcpy(to_, from_) BANNED(strcpy)
#undef strcat
#define strcat(to_, from_) BANNED(strcat)
#undef strncpy
#define strncpy(to_, from_, n_) BANNED(strncpy)
#undef strncat
#define strncat(to_, from_, n_) BANNED(strncat)
#undef stpcpy
#define stpcpy(to_, from_) BANNED(stpcpy)
#undef sprintf
#define sprintf(...) BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) BANNED(vsprintf)
#undef gets
#define gets(to_) BANNED(gets)

/* Hidden state, shared by all threads. */
#undef strtok
#define strtok(text_, separators_) BANNED(strtok)
#undef gmtime
#define gmtime(t_) BANNED(gmtime)
#undef localtime
#define localtime(t_) BANNED(localtime)
#undef ctime
#define ctime(t_) BANNED(ctime)
#undef ctime_r
#define ctime_r(t_, to_) BANNED(ctime_r)
#undef asctime
#define asctime(t_) BANNED(asctime)
#undef asctime_r
#define asctime_r(t_, to_) BANNED(asctime_r)

/* Errors look like zero. */
#undef atoi
#define atoi(text_) BANNED(atoi)
#undef atol
#define atol(text_) BANNED(atol)
#undef atoll
#define atoll(text_) BANNED(atoll)
#undef atof
#define atof(text_) BANNED(atof)

/* A name that somebody else may take first. */
#undef mktemp
#define mktemp(name_) BANNED(mktemp)
#undef tmpnam
#define tmpnam(name_) BANNED(tmpnam)
#undef tempnam
#define tempnam(folder_, name_) BANNED(tempnam)

#endif
