/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/*
 * What tests ask of the server itself, unsigned, under a bucket's name that
 * cannot be:
 *
 *	POST /.s3d/script	the body is the new script
 *	GET  /.s3d/script	its rules, each with how often it fitted and hit
 *	POST /.s3d/set		a switch, as NAME=VALUE
 *	POST /.s3d/reset	forget all buckets
 *	GET  /.s3d/stats	what is in the store, as JSON
 */
static bool replace_script(struct server *s, const char *text, struct text *error)
{
	struct script *script = script_parse(text, error);

	if (!script)
		return false;
	script_free(s->script);
	s->script = script;
	return true;
}

static bool read_file(const char *path, struct text *to)
{
	FILE *f = fopen(path, "r");
	char buffer[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(buffer, 1, sizeof(buffer), f)))
		text_add(to, buffer, n);
	fclose(f);
	return true;
}

void script_refresh(struct server *s)
{
	struct text text = { NULL, 0, 0 }, error = { NULL, 0, 0 };
	struct stat st;

	if (!s->script_file || stat(s->script_file, &st))
		return;
	if (st.st_mtim.tv_sec == s->script_changed.tv_sec &&
	    st.st_mtim.tv_nsec == s->script_changed.tv_nsec)
		return;
	s->script_changed = st.st_mtim;
	if (!read_file(s->script_file, &text))
		die("cannot read the script %s: %s", s->script_file, strerror(errno));
	if (!replace_script(s, text_get(&text), &error))
		die("%s: %s", s->script_file, error.p);
	text_release(&text);
}

static void put_stats(struct server *s, struct text *to)
{
	size_t objects = 0, uploads = 0, bytes = 0;

	for (struct skip_node *n = s->store.buckets.first[0]; n; n = n->next[0]) {
		const struct bucket *b = n->value;

		objects += b->objects.count;
		uploads += b->uploads.count;
		for (struct skip_node *o = b->objects.first[0]; o; o = o->next[0])
			bytes += ((const struct object *)o->value)->data->len;
	}
	text_printf(to,
		    "{\"buckets\":%zu,\"objects\":%zu,\"uploads\":%zu,\"bytes\":%zu,"
		    "\"requests\":%lu,\"connections\":%lu,\"handshakes\":%lu,"
		    "\"resumed\":%lu}\n",
		    s->store.buckets.count, objects, uploads, bytes, s->requests, s->connections,
		    s->handshakes, s->resumed);
}

/* Of the script as it is now: a test that waits for a rule must not be shown the last one's. */
static void report_script(struct server *s, struct text *to)
{
	script_refresh(s);
	script_report(s->script, to);
}

static void answer(struct exchange *x, const char *what)
{
	struct server *s = x->server;
	bool post = !strcmp(x->q.method, "POST");
	struct text error = { NULL, 0, 0 };
	bool good = true;

	if (!strcmp(what, "script") && post)
		good = replace_script(s, x->q.body->p, &error);
	else if (!strcmp(what, "script"))
		report_script(s, &x->r.body);
	else if (!strcmp(what, "set") && post)
		good = dialect_set(&s->config.switches, x->q.body->p);
	else if (!strcmp(what, "reset") && post)
		store_clear(&s->store);
	else if (!strcmp(what, "stats"))
		put_stats(s, &x->r.body);
	else
		good = false;
	x->r.status = good ? 200 : 400;
	if (!good)
		text_printf(&x->r.body, "%s\n", error.len ? error.p : "not understood");
	text_release(&error);
}

bool control(struct exchange *x)
{
	if (strcmp(x->bucket, ".s3d") != 0)
		return false;
	x->secret = true;
	if (!http_read_body(x->conn, &x->q, 1 << 20)) {
		x->conn->dead = true;
		return true;
	}
	pthread_mutex_lock(&x->server->lock);
	answer(x, x->key.len ? x->key.p : "");
	pthread_mutex_unlock(&x->server->lock);
	return true;
}
