/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <errmsg.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Looking a name up and the handshake of TLS happen on it; the library's own is smaller. */
#define STACK_SIZE (size_t)262144

/*
 * If we are gone without a word, the server ends our session, and so frees rows
 * that we locked, after so many seconds. What idles longer is not used any more.
 */
#define SESSION_TIMEOUT 120
#define IDLE_MAX 60000 /* ms */

#define GREETING_BYTES ((uint64_t)4 << 20) /* until we are let in */
#define GREETINGS 10                       /* deadlines until then */

void link_used(struct link *link)
{
	link->used = now_ms();
}

uint64_t answer_max(const struct instance *inst, bool values)
{
	return answer_bytes(values, inst->value_max, inst->set_count != 0);
}

static const struct address *address_of(const struct self *self, const struct link *link)
{
	return link->is_scan ? &self->instance->scan_address : &self->instance->address;
}

struct link *scan_link(struct self *self)
{
	return self->instance->has_scan ? &self->scan : &self->main;
}

/* Whatever was under way ends at once: nothing is written to a line that stands still. */
void link_close(struct link *link)
{
	int fd;

	if (!link->conn)
		return;
	fd = (int)mysql_get_socket(link->conn);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	/* rows that were not read: the library would read them first, for as long as they come */
	if (link->result)
		link->result->handle = NULL;
	mysql_free_result(link->result);
	link->result = NULL;
	version_known(link);
	link->nameless = NULL;
	mysql_close(link->conn);
	link->conn = NULL;
}

static enum ssl ssl_of(const struct address *a)
{
	if (a->ssl != SSL_AUTO)
		return a->ssl;
	return address_is_here(a) ? SSL_OFF : SSL_VERIFY;
}

static bool set_tls(MYSQL *conn, const struct address *a)
{
	static const my_bool yes = 1;
	const my_bool verify = ssl_of(a) == SSL_VERIFY;

	if (ssl_of(a) == SSL_OFF)
		return true;
	return !mysql_ssl_set(conn, NULL, NULL, verify ? a->ca_file : NULL, NULL, NULL) &&
	       !mysql_optionsv(conn, MYSQL_OPT_SSL_ENFORCE, &yes) &&
	       !mysql_optionsv(conn, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

/* A server that is not known to be ours is told no password in the clear, whatever it asks for. */
static bool restrict_methods(MYSQL *conn, const struct address *a)
{
	static const char methods[] = "mysql_native_password,client_ed25519,parsec,"
				      "caching_sha2_password,sha256_password,auth_gssapi_client";

	if (address_is_here(a) || ssl_of(a) == SSL_VERIFY)
		return true;
	return !mysql_optionsv(conn, MARIADB_OPT_RESTRICTED_AUTH, methods);
}

/* The library takes localhost for its own socket, whatever the port. */
static bool set_protocol(MYSQL *conn, const struct address *a)
{
	static const unsigned tcp = MYSQL_PROTOCOL_TCP;

	return a->socket || !a->port || !mysql_optionsv(conn, MYSQL_OPT_PROTOCOL, &tcp);
}

static MYSQL *prepare(struct self *self, const struct address *a)
{
	static const unsigned off = 0;
	static const my_bool no = 0;
	const size_t stack = STACK_SIZE, packet = (size_t)answer_max(self->instance, true);
	MYSQL *conn = mysql_init(NULL);
	char name[64];

	if (!conn)
		return NULL;
	snprintf(name, sizeof(name), "migrate %s", migrate_job_id(self->session));
	if (!mysql_optionsv(conn, MYSQL_OPT_NONBLOCK, &stack) &&
	    !mysql_optionsv(conn, MYSQL_OPT_LOCAL_INFILE, &off) &&
	    !mysql_optionsv(conn, MYSQL_OPT_RECONNECT, &no) &&
	    !mysql_optionsv(conn, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet) &&
	    !mysql_optionsv(conn, MYSQL_SET_CHARSET_NAME, "utf8mb4") &&
	    !mysql_optionsv(conn, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", name) &&
	    set_protocol(conn, a) && set_tls(conn, a) && restrict_methods(conn, a))
		return conn;
	mysql_close(conn);
	return NULL;
}

/* What to do about it, when it is the library that says so. */
static const char *advice_of(const struct address *a, const char *message)
{
	if (strstr(message, "SSL") || strstr(message, "TLS") || strstr(message, "ertificate"))
		return ssl_of(a) == SSL_VERIFY
			   ? "; the server must prove who it is: name the authority's "
			     "certificate with ca_file, or choose another ssl"
			   : "; see the option ssl";
	return "";
}

static enum migrate_status refused(struct self *self, struct link *link)
{
	const struct address *a = address_of(self, link);
	unsigned number = mysql_errno(link->conn);
	enum migrate_status status;
	char what[2200];

	if (number < CR_MIN_ERROR || number > CR_MAX_ERROR) {
		status = fail_server(self, link, a->option);
	} else {
		snprintf(what, sizeof(what), "%s: %s", a->option, mysql_error(link->conn));
		status = migrate_fail(self->session, MIGRATE_UNAVAILABLE, "%s%s", what,
				      advice_of(a, what));
	}
	link_close(link);
	return status;
}

static enum migrate_status connect_loop(struct self *self, struct link *link)
{
	const struct address *a = address_of(self, link);
	MYSQL *done = NULL;
	int wanted;

	flood_begin(link, GREETING_BYTES, GREETINGS * migrate_deadline(self->session));
	wanted = mysql_real_connect_start(
	    &done, link->conn, a->socket ? NULL : (a->host ? a->host : "127.0.0.1"), a->user,
	    a->password ? a->password : "", a->database, a->port, a->socket, CLIENT_FOUND_ROWS);

	while (wanted) {
		enum migrate_status status = wait_for(self, link, &wanted, QUICK, a->option);

		if (status)
			return status;
		wanted = mysql_real_connect_cont(&done, link->conn, wanted);
		version_known(link);
	}
	return done ? MIGRATE_OK : refused(self, link);
}

/* A peer that is gone without a word is noticed within a minute. */
static void keep_alive(const struct link *link)
{
	static const struct {
		int level, name, value;
	} all[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },          { IPPROTO_TCP, TCP_KEEPIDLE, 20 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },        { IPPROTO_TCP, TCP_KEEPCNT, 4 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 40000 }, { IPPROTO_TCP, TCP_NODELAY, 1 },
	};
	int fd = (int)mysql_get_socket(link->conn);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]);
	     i++) /* a socket knows the first only */
		(void)setsockopt(fd, all[i].level, all[i].name, &all[i].value,
				 sizeof(all[i].value));
}

/*
 * Whole seconds, of which lock timeouts are at least one; in MySQL but one for rows, as a
 * change cannot be told to wait for none while others are locked. Strict: what does not
 * fit is an error, never cut. Triggers and functions keep the modes that they
 * were made with. A time zone of our own only if a key depends on it. Character
 * sets: what the handshake asked for, init_connect or the server's own choice may
 * have changed.
 */
static void build_settings(struct text *s, const struct instance *inst, bool is_mariadb)
{
	long long lock = inst->lock_timeout ? (inst->lock_timeout + 999) / 1000 : 31536000;
	long long row = is_mariadb ? lock : 1, limit = inst->statement_timeout;

	text_reset(s);
	text_printf(
	    s,
	    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = "
	    "1, innodb_lock_wait_timeout = %lld, lock_wait_timeout = %lld, foreign_key_checks "
	    "= 1, unique_checks = 1, sql_safe_updates = 0, sql_select_limit = "
	    "18446744073709551615, wait_timeout = %d, character_set_client = utf8mb4, "
	    "character_set_results = utf8mb4, character_set_connection = utf8mb4, "
	    "collation_connection = utf8mb4_general_ci",
	    row, lock, SESSION_TIMEOUT);
	if (is_mariadb)
		text_printf(
		    s, ", max_statement_time = %lld.%03lld, in_predicate_conversion_threshold = 0",
		    limit / 1000, limit % 1000);
	else
		text_printf(s, ", max_execution_time = %lld", limit);
	if (inst->has_moment)
		text_printf(s, ", time_zone = '+00:00'");
}

/*
 * What was set is not what counts, but what comes of it: a text goes there and back, as it
 * is written in a statement and as it is answered.
 */
static enum migrate_status prove_texts(struct self *self, struct link *link)
{
#define PROBE_TEXT "\303\244 \346\227\245 \360\237\230\200"
#define PROBE_HEX "C3A420E697A520F09F9880"
	static const char sql[] =
	    "SELECT '" PROBE_TEXT "', HEX('" PROBE_TEXT "'), _utf8mb4 x'" PROBE_HEX
	    "', CONCAT_WS(', ', @@character_set_client, @@character_set_connection, "
	    "@@character_set_results)";
	static const char *const wanted[] = { PROBE_TEXT, PROBE_HEX, PROBE_TEXT };
	const char *option = address_of(self, link)->option;
	enum migrate_status status;
	struct answer *res =
	    query(self, link, sql, sizeof(sql) - 1, SHAPE("ssss", 1, 1), QUICK, option, &status);
	bool proved = res != NULL;
	struct row row;

	if (!res || !row_next(res, &row))
		return status;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		proved &= !strcmp(field_text(&row, i), wanted[i]);
	if (!proved)
		status = migrate_fail(
		    self->session, MIGRATE_UNAVAILABLE,
		    "%s: texts do not come back as they were sent, so they would be damaged: the "
		    "session's character sets are %s instead of utf8mb4; look at init_connect and "
		    "at proxies in between",
		    option, field_text(&row, 3));
	answer_free(res);
	return status;
}

static enum migrate_status set_up(struct self *self, struct link *link)
{
	const char *option = address_of(self, link)->option;
	struct text s = { .n = 0 };
	enum migrate_status status;
	char *text;

	build_settings(&s, self->instance, mariadb_connection(link->conn));
	text = text_finish(&s);
	status = text ? command(self, link, text, option) : out_of_memory(self);
	free(text);
	if (!status) /* others cannot be logged as statements */
		status = command(self, link,
				 self->instance->read_committed
				     ? "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
				     : "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
				 option);
	return status ? status : prove_texts(self, link);
}

static bool tls_is_missing(const struct self *self, const struct link *link)
{
	return ssl_of(address_of(self, link)) != SSL_OFF && !mysql_get_ssl_cipher(link->conn);
}

static enum migrate_status connect_link(struct self *self, struct link *link)
{
	const struct address *a = address_of(self, link);
	enum migrate_status status;

	link->conn = prepare(self, a);
	if (!link->conn || !version_unknown(link) || !flood_watch(link)) {
		link_close(link);
		return out_of_memory(self);
	}
	link_used(link);
	status = connect_loop(self, link);
	if (!status && tls_is_missing(self, link))
		status =
		    migrate_fail(self->session, MIGRATE_UNAVAILABLE,
				 "%s: the server does not encrypt; see the option ssl", a->option);
	if (!status) {
		keep_alive(link);
		status = set_up(self, link);
	}
	if (status)
		link_close(link);
	return status;
}

/*
 * In a transaction whatever is left of the connection must do: a new one holds no locks, and
 * what was read under those of the old one says nothing any more.
 */
enum migrate_status link_ready(struct self *self, struct link *link)
{
	if (link->in_transaction)
		return link->conn ? MIGRATE_OK
				  : migrate_fail(self->session, MIGRATE_UNAVAILABLE,
						 "%s: the connection was lost in a transaction",
						 address_of(self, link)->option);
	if (link->conn && now_ms() - link->used > IDLE_MAX)
		link_close(link);
	return link->conn ? MIGRATE_OK : connect_link(self, link);
}
