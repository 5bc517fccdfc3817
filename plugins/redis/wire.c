/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket that never blocks, with TLS on it or not. */

void wire_close(struct self *self)
{
	SSL_free(self->ssl);
	if (self->fd >= 0)
		close(self->fd);
	if (self->reader)
		redisReaderFree(self->reader);
	self->ssl = NULL;
	self->reader = NULL;
	self->fd = -1;
	self->wants = 0;
	self->greeted = false;
	text_reset(&self->out);
	self->sent = self->asked_count = self->answered = 0;
}

static void keep_alive(int fd)
{
	static const struct {
		int level, option, value;
	} all[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },   { IPPROTO_TCP, TCP_KEEPIDLE, 20 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 }, { IPPROTO_TCP, TCP_KEEPCNT, 4 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
	};

	/* without them all works, only later or slower */
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		(void)!setsockopt(fd, all[i].level, all[i].option, &all[i].value, sizeof(int));
}

/* OK, UNAVAILABLE with errno in *error, or CANCELLED. */
static enum migrate_status connect_to(struct self *self, int family, const struct sockaddr *to,
				      socklen_t n, int *error)
{
	socklen_t size = sizeof(*error);
	int ready;

	self->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	*error = 0;
	if (self->fd < 0 || (connect(self->fd, to, n) && errno != EINPROGRESS)) {
		*error = errno;
	} else {
		ready = migrate_wait(self->session, self->fd, POLLOUT, -1);
		if (ready < 0 && migrate_cancelled(self->session))
			return migrate_fail(self->session, MIGRATE_CANCELLED, "cancelled");
		if (ready <= 0)
			*error = ETIMEDOUT;
		else if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, error, &size))
			*error = errno;
	}
	if (!*error)
		return MIGRATE_OK;
	if (self->fd >= 0)
		close(self->fd);
	self->fd = -1;
	return MIGRATE_UNAVAILABLE;
}

static enum migrate_status connect_socket(struct self *self)
{
	const char *path = self->instance->address.socket;
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	enum migrate_status status;
	int error = 0;

	if (strlen(path) >= sizeof(to.sun_path))
		return migrate_fail(self->session, MIGRATE_INVALID,
				    "socket: '%s' is longer than a socket's path can be", path);
	memcpy(to.sun_path, path, strlen(path) + 1);
	status = connect_to(self, AF_UNIX, (const struct sockaddr *)&to, sizeof(to), &error);
	if (status == MIGRATE_UNAVAILABLE)
		migrate_fail_errno(self->session, error, "socket: cannot connect to '%s'", path);
	return status;
}

/* All addresses of the name, one after the other. */
static enum migrate_status connect_host(struct self *self)
{
	const struct address *a = &self->instance->address;
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	enum migrate_status status = MIGRATE_UNAVAILABLE;
	struct addrinfo *list = NULL;
	int error = 0, code = getaddrinfo(a->host, a->port, &hints, &list);

	if (code)
		return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
				    "url: cannot find the host '%s': %s", a->host,
				    gai_strerror(code));
	for (const struct addrinfo *i = list; i && status == MIGRATE_UNAVAILABLE; i = i->ai_next)
		status = connect_to(self, i->ai_family, i->ai_addr, i->ai_addrlen, &error);
	freeaddrinfo(list);
	if (status == MIGRATE_UNAVAILABLE)
		migrate_fail_errno(self->session, error, "cannot connect to %s:%s", a->host,
				   a->port);
	if (!status)
		keep_alive(self->fd);
	return status;
}

enum migrate_status wire_open(struct self *self)
{
	enum migrate_status status =
	    self->instance->address.socket ? connect_socket(self) : connect_host(self);

	if (!status && self->instance->tls)
		status = tls_begin(self);
	if (!status && !reader_open(self))
		status = migrate_fail(self->session, MIGRATE_UNAVAILABLE, "out of memory");
	if (status)
		wire_close(self);
	return status;
}

static ptrdiff_t lost(struct self *self, const char *why)
{
	/* a server that asks for a certificate says so when the handshake is over, or not at all */
	bool asks = self->ssl && !self->greeted && !SSL_get_certificate(self->ssl);

	migrate_fail(self->session, MIGRATE_UNAVAILABLE, "the connection was lost: %s%s", why,
		     asks ? " (it may want a certificate: tls_certificate, tls_key)" : "");
	return -1;
}

/* What TLS made of it: what it waits for, or why it is over. */
static ptrdiff_t tls_result(struct self *self, int result)
{
	unsigned long error = ERR_peek_last_error();

	switch (SSL_get_error(self->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		self->wants |= POLLIN;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		self->wants |= POLLOUT;
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return lost(self, "the server closed it");
	case SSL_ERROR_SSL:
		return lost(self, error ? ERR_reason_error_string(error) : "TLS failed");
	default:
		return lost(self, errno ? strerrordesc_np(errno) : "the server closed it");
	}
}

ptrdiff_t wire_write(struct self *self, const void *p, size_t n)
{
	ssize_t done;

	if (self->ssl) {
		ERR_clear_error();
		errno = 0;
		done = SSL_write(self->ssl, p, n > 1 << 30 ? 1 << 30 : (int)n);
		return done > 0 ? done : tls_result(self, (int)done);
	}
	do
		done = send(self->fd, p, n, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	if (done < 0 && errno == EAGAIN)
		return 0;
	return done < 0 ? lost(self, strerrordesc_np(errno)) : done;
}

ptrdiff_t wire_read(struct self *self, void *p, size_t n)
{
	ssize_t done;

	if (self->ssl) {
		ERR_clear_error();
		errno = 0;
		done = SSL_read(self->ssl, p, (int)n);
		return done > 0 ? done : tls_result(self, (int)done);
	}
	do
		done = recv(self->fd, p, n, 0);
	while (done < 0 && errno == EINTR);
	if (done < 0 && errno == EAGAIN)
		return 0;
	if (done < 0)
		return lost(self, strerrordesc_np(errno));
	return done ? done : lost(self, "the server closed it");
}

bool wire_is_dead(struct self *self)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };

	/* nothing was asked: what the server has to say is goodbye, or no answer to anything */
	return poll(&p, 1, 0) > 0;
}
