/* SPDX-License-Identifier: MIT */
#ifndef T_FAULTS_HISTORY_H
#define T_FAULTS_HISTORY_H

#include "calls.h"

/*
 * What was published and what was synced, in order: from it one knows which files a
 * power loss may still take. One line a call, written when it returned:
 *
 *	BEGAN ENDED CALL RESULT INODE PATH
 *
 * BEGAN and ENDED count both ends of all calls of the file: what ended before a sync began
 * is covered by it. INODE is that of the file under its new name, or of what was synced.
 * Blanks, percents and what is not printable in ASCII stand percent-encoded in PATH.
 */
struct history;

/* Append to a file. NULL: errno tells why. */
struct history *history_open(const char *path);

/* 0, or -1 when something could not be written. NULL is fine. */
int history_close(struct history *h);

/* A thread in its seccomp stop. True: its return is wanted, history_return() shall be called then. */
bool history_call(struct history *h, const struct call *c);

/* A thread returns from a call; those that nobody wanted do no harm. */
void history_return(struct history *h, pid_t tid);

#endif
