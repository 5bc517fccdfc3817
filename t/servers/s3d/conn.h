/* SPDX-License-Identifier: MIT */
#ifndef S3D_CONN_H
#define S3D_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

/* One connection, with or without TLS; in[used..len) was read but not yet taken. */
enum { CONN_BUFFER = 256 * 1024 };

struct conn {
	int fd;
	SSL *ssl;
	char *in;
	size_t len;
	size_t used;
	unsigned long id;
	unsigned long requests;
	bool dead;
};

/* Read more into in, which has room. False: end or error. */
bool conn_fill(struct conn *c);
/* Read up to n bytes past the buffer. 0: end or error. */
size_t conn_read(struct conn *c, void *p, size_t n);
bool conn_write(struct conn *c, const void *p, size_t n);
/* Two runs of bytes in one packet where that can be. */
bool conn_write2(struct conn *c, const void *p, size_t n, const void *q, size_t m);
/* Close it so that the client sees a reset. */
void conn_reset(struct conn *c);
/* Wait that long, or until the client goes away. False: it did. */
bool conn_wait(struct conn *c, double seconds);
void conn_close(struct conn *c);

#endif
