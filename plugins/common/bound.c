/* SPDX-License-Identifier: MIT */
#include "bound.h"

#include "clock.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* The kernel counts for us, also what TLS wraps; 0: not a TCP connection, or an old kernel. */
static uint64_t received(int fd)
{
	struct tcp_info info = { .tcpi_state = 0 };
	socklen_t n = sizeof(info);

	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) ||
	    n < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
		return 0;
	return info.tcpi_bytes_received;
}

void bound_begin(struct bound *b, int fd, uint64_t bytes, int64_t milliseconds)
{
	int64_t now = now_ms();

	b->before = received(fd);
	b->bytes = bytes;
	b->until =
	    milliseconds > 0 && milliseconds < INT64_MAX - now ? now + milliseconds : INT64_MAX;
}

enum bounded bound_look(const struct bound *b, int fd)
{
	uint64_t n = received(fd);

	if (n > b->before && n - b->before > b->bytes)
		return BOUND_BYTES;
	return b->until != INT64_MAX && now_ms() > b->until ? BOUND_TIME : BOUND_KEPT;
}

const char *bound_words(enum bounded what)
{
	return what == BOUND_BYTES ? "it does not end" : "it is not complete in time";
}
