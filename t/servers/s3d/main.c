/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char usage[] =
    "usage: s3d [OPTION...]\n"
    "A strict S3 server in memory, for tests, on the loopback only.\n"
    "\n"
    "  --port N             listen there (0: any free port)\n"
    "  --port-file FILE     write the port there once it listens, one line a region\n"
    "  --access-key KEY     default AKIDTESTTESTTESTTEST\n"
    "  --secret-key KEY     or S3D_SECRET_KEY in the environment\n"
    "  --session-token T    requests must carry it; several: T1,T2\n"
    "  --region R           default us-east-1; again: a further region, its own port\n"
    "  --domain D           virtual hosts are BUCKET.D; default localhost; again: one more\n"
    "  --owner N            of all buckets: twelve digits, default 123456789012\n"
    "  --public B           everybody may read that bucket\n"
    "  --prefix /P          before the bucket in all paths\n"
    "  --dialect NAME       aws, ceph, minio, gcs, swift, r2, wasabi, b2\n"
    "  --set NAME=VALUE     one switch of the dialect; --help lists them\n"
    "  --tls CERT KEY       PEM files; then there is no plain HTTP\n"
    "  --log FILE           one line of JSON a request\n"
    "  --script FILE        faults; read again when it changes\n"
    "  --time-skew S        seconds that the server's clock is ahead\n"
    "  --null               synthetic buckets src-COUNT-SIZE, writes are swallowed\n";

struct listener {
	struct server *server;
	SSL_CTX *tls;
	int fd;
	unsigned region;
};

struct client {
	struct listener *listener;
	struct conn conn;
};

static int listen_on(unsigned port, unsigned *got)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		die("cannot listen on port %u: %s", port, strerror(errno));
	*got = ntohs(a.sin_port);
	return fd;
}

static bool start_tls(struct client *c)
{
	struct server *s = c->listener->server;

	if (!c->listener->tls)
		return true;
	c->conn.ssl = SSL_new(c->listener->tls);
	if (!c->conn.ssl || !SSL_set_fd(c->conn.ssl, c->conn.fd))
		die("cannot start TLS");
	if (SSL_accept(c->conn.ssl) == 1) {
		pthread_mutex_lock(&s->lock);
		s->handshakes++;
		s->resumed += SSL_session_reused(c->conn.ssl) ? 1 : 0;
		pthread_mutex_unlock(&s->lock);
		return true;
	}
	c->conn.dead = true;
	return false;
}

static void *serve_client(void *data)
{
	struct client *c = data;

	c->conn.in = must_alloc(CONN_BUFFER);
	if (start_tls(c))
		serve_connection(c->listener->server, &c->conn, c->listener->region);
	conn_close(&c->conn);
	free(c->conn.in);
	free(c);
	return NULL;
}

static void start_client(struct listener *l, int fd, const pthread_attr_t *attr)
{
	struct client *c = must_zero(sizeof(*c));
	pthread_t thread;
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->listener = l;
	c->conn.fd = fd;
	pthread_mutex_lock(&l->server->lock);
	c->conn.id = ++l->server->connections;
	pthread_mutex_unlock(&l->server->lock);
	if (pthread_create(&thread, attr, serve_client, c))
		die("cannot start a thread");
}

static void *accept_clients(void *data)
{
	struct listener *l = data;
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, 512 * 1024) ||
	    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED))
		die("cannot set up threads");
	for (;;) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			start_client(l, fd, &attr);
		else if (errno != EINTR && errno != ECONNABORTED)
			die("cannot accept: %s", strerror(errno));
	}
	return NULL;
}

static SSL_CTX *load_tls(const char *certificate, const char *key)
{
	SSL_CTX *ctx;

	if (!certificate)
		return NULL;
	ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx || SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"s3d", 3) != 1)
		die("cannot use the certificate %s with the key %s", certificate, key);
	return ctx;
}

/* Whole or not there: who waits for the file may read it at once. */
static void write_ports(const struct config *config, const char *path)
{
	struct text other = { NULL, 0, 0 };
	FILE *f;

	text_printf(&other, "%s.new", path);
	f = fopen(other.p, "w");
	if (!f)
		die("cannot write %s: %s", other.p, strerror(errno));
	for (unsigned i = 0; i < config->region_count; i++)
		fprintf(f, "%u\n", config->ports[i]);
	if (fclose(f) || rename(other.p, path))
		die("cannot write %s: %s", path, strerror(errno));
	text_release(&other);
}

struct options {
	struct server *server;
	unsigned port;
	const char *port_file;
	const char *certificate, *key;
};

static long long seconds_of(const char *s)
{
	char *end;
	long long n = strtoll(s, &end, 10);

	if (end == s || *end)
		die("no number of seconds: %s", s);
	return n;
}

static void set_value(struct options *o, const char *name, const char *value)
{
	struct config *config = &o->server->config;
	unsigned long long n;

	if (!strcmp(name, "--port") && number_of(value, 65535, &n))
		o->port = (unsigned)n;
	else if (!strcmp(name, "--port-file"))
		o->port_file = value;
	else if (!strcmp(name, "--access-key"))
		config->access_key = value;
	else if (!strcmp(name, "--secret-key"))
		config->secret_key = value;
	else if (!strcmp(name, "--session-token"))
		config->tokens = value;
	else if (!strcmp(name, "--region") && config->region_count < MAX_REGIONS)
		config->regions[config->region_count++] = value;
	else if (!strcmp(name, "--domain") && config->domain_count < MAX_DOMAINS)
		config->domains[config->domain_count++] = value;
	else if (!strcmp(name, "--public"))
		config->open = value;
	else if (!strcmp(name, "--owner"))
		config->owner = value;
	else if (!strcmp(name, "--prefix") && value[0] == '/')
		config->prefix = value;
	else if (!strcmp(name, "--dialect") && dialect_get(value, &config->switches))
		return;
	else if (!strcmp(name, "--set") && dialect_set(&config->switches, value))
		return;
	else if (!strcmp(name, "--log"))
		o->server->log = log_open(value);
	else if (!strcmp(name, "--script"))
		o->server->script_file = value;
	else if (!strcmp(name, "--time-skew"))
		config->skew = seconds_of(value);
	else
		die("not understood: %s %s (see s3d --help)", name, value);
}

static void read_options(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			fputs(usage, stdout);
			dialect_print();
			exit(0);
		}
		if (!strcmp(argv[i], "--null")) {
			o->server->config.null_mode = true;
			continue;
		}
		if (i + 1 == argc)
			die("%s needs a value (see s3d --help)", argv[i]);
		if (!strcmp(argv[i], "--tls")) {
			if (i + 2 >= argc)
				die("--tls needs a certificate and a key");
			o->certificate = argv[i + 1];
			o->key = argv[i + 2];
			i += 2;
			continue;
		}
		set_value(o, argv[i], argv[i + 1]);
		i++;
	}
}

static void set_defaults(struct config *config)
{
	const char *secret = getenv("S3D_SECRET_KEY");

	config->access_key = "AKIDTESTTESTTESTTEST";
	config->secret_key = secret ? secret : "sk/test+secret0123456789abcdefghijklmnop";
	config->prefix = "";
	config->owner = "123456789012";
	dialect_get("aws", &config->switches);
}

static void start(struct options *o)
{
	struct config *config = &o->server->config;
	struct listener *listeners[MAX_REGIONS];
	SSL_CTX *tls = load_tls(o->certificate, o->key);

	config->tls = tls;
	for (unsigned i = 0; i < config->region_count; i++) {
		listeners[i] = must_zero(sizeof(*listeners[i]));
		listeners[i]->server = o->server;
		listeners[i]->tls = tls;
		listeners[i]->region = i;
		listeners[i]->fd = listen_on(o->port ? o->port + i : 0, &config->ports[i]);
	}
	/* Only now, for requests to one region name the ports of the others. */
	for (unsigned i = 0; i < config->region_count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, accept_clients, listeners[i]))
			die("cannot start a thread");
	}
}

int main(int argc, char **argv)
{
	struct server *server = must_zero(sizeof(*server));
	struct options o = { .server = server };

	setlinebuf(stdout);
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&server->lock, NULL);
	set_defaults(&server->config);
	read_options(&o, argc, argv);
	if (!server->config.region_count)
		server->config.regions[server->config.region_count++] = "us-east-1";
	if (!server->config.domain_count)
		server->config.domains[server->config.domain_count++] = "localhost";
	script_refresh(server);
	start(&o);
	if (o.port_file)
		write_ports(&server->config, o.port_file);
	else
		printf("%u\n", server->config.ports[0]);
	for (;;)
		pause();
}
