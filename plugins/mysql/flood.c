/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The library comes back when it would have to wait. From a server that sends faster
 * than it reads it never has to, and what it keeps meanwhile (descriptions of columns,
 * for one) has no limit of its own. It tells who asks of all bytes that it read; a
 * connection that brought too many is shut down, and so the next read fails.
 *
 * No header has this function, though each version of the library does; without it
 * bytes are still counted whenever the library waits.
 */
int ma_pvio_register_callback(my_bool add, void (*f)(int mode, MYSQL *conn,
						     const unsigned char *bytes, size_t n))
    __attribute__((weak));

static char key[] = "migrate";

/*
 * The library looks into the version also when a report of progress comes before any
 * was told. It frees what stands there when it gives up, and forgets it when it knows.
 */
bool version_unknown(struct link *link)
{
	link->nameless = link->conn->server_version = calloc(1, 1);
	return link->nameless;
}

void version_known(struct link *link)
{
	const char *told = link->conn->server_version;

	if (!link->nameless || !told || told == link->nameless)
		return;
	free(link->nameless);
	link->nameless = NULL;
}

static void count(int mode, MYSQL *conn, const unsigned char *bytes, size_t n)
{
	void *found = NULL;
	struct link *link;

	(void)bytes;
	if (mysql_get_optionv(conn, MARIADB_OPT_USERDATA, key, &found) || !found)
		return;
	link = found;
	version_known(link);
	if (mode || (ssize_t)n <= 0)
		return;
	link->came += n;
	if (link->came > link->bound.bytes)
		shutdown((int)mysql_get_socket(conn), SHUT_RDWR);
}

void flood_load(void)
{
	if (ma_pvio_register_callback)
		(void)ma_pvio_register_callback(1, count);
}

bool flood_watch(struct link *link)
{
	return !mysql_optionsv(link->conn, MARIADB_OPT_USERDATA, key, link);
}

void flood_begin(struct link *link, uint64_t bytes, int64_t milliseconds)
{
	int fd = link->conn ? (int)mysql_get_socket(link->conn) : -1;

	link->came = 0;
	bound_begin(&link->bound, fd, bytes, milliseconds);
}
