/* SPDX-License-Identifier: MIT */
#include "conn.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

size_t conn_read(struct conn *c, void *p, size_t n)
{
	ssize_t got;

	if (c->dead)
		return 0;
	if (c->ssl) {
		int read = SSL_read(c->ssl, p, n > INT_MAX ? INT_MAX : (int)n);

		got = read;
	} else {
		do
			got = recv(c->fd, p, n, 0);
		while (got < 0 && errno == EINTR);
	}
	if (got <= 0)
		c->dead = true;
	return got > 0 ? (size_t)got : 0;
}

bool conn_fill(struct conn *c)
{
	size_t got;

	if (c->used) {
		memmove(c->in, c->in + c->used, c->len - c->used);
		c->len -= c->used;
		c->used = 0;
	}
	if (c->len == CONN_BUFFER)
		return false;
	got = conn_read(c, c->in + c->len, CONN_BUFFER - c->len);
	c->len += got;
	return got > 0;
}

bool conn_write(struct conn *c, const void *p, size_t n)
{
	return conn_write2(c, p, n, NULL, 0);
}

static bool write_tls(struct conn *c, const char *p, size_t n)
{
	while (n) {
		int wrote = SSL_write(c->ssl, p, n > INT_MAX ? INT_MAX : (int)n);

		if (wrote <= 0)
			return false;
		p += wrote;
		n -= (size_t)wrote;
	}
	return true;
}

/* One record for a small answer: the client wakes once. */
static bool write2_tls(struct conn *c, const void *p, size_t n, const void *q, size_t m)
{
	char both[8192];

	if (n + m > sizeof(both) || !m)
		return write_tls(c, p, n) && write_tls(c, q, m);
	memcpy(both, p, n);
	memcpy(both + n, q, m);
	return write_tls(c, both, n + m);
}

static bool write2_plain(struct conn *c, const void *p, size_t n, const void *q, size_t m)
{
	struct iovec v[2] = { { (void *)p, n }, { (void *)q, m } };
	struct msghdr message = { .msg_iov = v, .msg_iovlen = 2 };

	while (v[0].iov_len + v[1].iov_len) {
		ssize_t wrote = sendmsg(c->fd, &message, MSG_NOSIGNAL);
		size_t left;

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return false;
		left = (size_t)wrote;
		for (int i = 0; i < 2; i++) {
			size_t step = left < v[i].iov_len ? left : v[i].iov_len;

			v[i].iov_base = (char *)v[i].iov_base + step;
			v[i].iov_len -= step;
			left -= step;
		}
	}
	return true;
}

bool conn_write2(struct conn *c, const void *p, size_t n, const void *q, size_t m)
{
	bool done = !c->dead && (c->ssl ? write2_tls(c, p, n, q, m) : write2_plain(c, p, n, q, m));

	if (!done)
		c->dead = true;
	return done;
}

void conn_reset(struct conn *c)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	c->dead = true;
}

bool conn_wait(struct conn *c, double seconds)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	int n = poll(&p, 1, (int)(seconds * 1000));

	if (n > 0)
		c->dead = true;
	return n <= 0;
}

void conn_close(struct conn *c)
{
	if (c->ssl) {
		if (!c->dead)
			SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	close(c->fd);
}
