/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGINS_BOUND_H
#define MIGRATE_PLUGINS_BOUND_H

#include <stdint.h>

/*
 * How much of a server's answer is borne, for client libraries that keep whatever a
 * server sends: bytes that come in on its socket, and the time that all of it may take.
 */
struct bound {
	uint64_t before; /* bytes that had come when the question was asked */
	uint64_t bytes;  /* that may come since */
	int64_t until;   /* ms by the monotonic clock */
};

enum bounded { BOUND_KEPT, BOUND_BYTES, BOUND_TIME };

/* milliseconds <= 0: any time. */
void bound_begin(struct bound *b, int fd, uint64_t bytes, int64_t milliseconds);
/* What is exceeded; bytes are only known of TCP. */
enum bounded bound_look(const struct bound *b, int fd);
const char *bound_words(enum bounded what);

#endif
