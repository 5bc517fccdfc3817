/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <stdio.h>
#include <string.h>

/*
 * libs3 2.0 sends a space in a key as '+'. Some endpoints take that for a space, others
 * for a '+', and there "a b" would be another object. So it is found out: with a scratch
 * object before the first write, else by the first such key that is read. Listings are
 * asked for in a query, where '+' is a space everywhere.
 */

struct found {
	char key[LIBS3_KEY_MAX + 1], etag[MIGRATE_ETAG_MAX + 3];
};

static S3Status on_first(int truncated, const char *next, int count,
			 const S3ListBucketContent *contents, int prefix_count,
			 const char **prefixes, void *arg)
{
	struct libs3_call *c = arg;
	struct found *f = c->arg;

	(void)truncated;
	(void)next;
	(void)prefix_count;
	(void)prefixes;
	if (count && !f->key[0]) {
		text_copy(f->key, sizeof(f->key), contents[0].key);
		text_copy(f->etag, sizeof(f->etag), contents[0].eTag ? contents[0].eTag : "");
	}
	return S3StatusOK;
}

/* The first key that begins so, if there is one; a key itself comes before what it begins. */
static enum migrate_status look_up(struct libs3_session *s, const char *prefix, struct found *f)
{
	struct libs3_call c;
	enum migrate_status status;

	*f = (struct found){ .key = "" };
	libs3_call_init(&c, s);
	c.arg = f;
	status = libs3_call_list(&c, prefix, NULL, 1, on_first);
	return status == MIGRATE_OK ? libs3_result(&c, "looking a key up") : status;
}

static void with_plus(char *key)
{
	for (; *key; key++)
		if (*key == ' ')
			*key = '+';
}

static void decide(struct libs3 *l, enum libs3_space space)
{
	atomic_store(&l->space, space);
}

void libs3_try_space(struct libs3_session *s)
{
	static const S3PutProperties none = { .expires = -1 };
	struct libs3_call put, gone;
	struct found f = { .key = "" };
	char prefix[64], key[80], plus[80];
	bool ok;

	snprintf(prefix, sizeof(prefix), ".migrate-%s-scratch-space", migrate_job_id(s->ms));
	snprintf(key, sizeof(key), "%s x", prefix);
	snprintf(plus, sizeof(plus), "%s+x", prefix);
	libs3_call_init(&put, s);
	ok = libs3_call_put(&put, key, 0, &none) == MIGRATE_OK &&
	     look_up(s, prefix, &f) == MIGRATE_OK;
	libs3_call_init(&gone, s);
	libs3_call_remove(&gone, key);
	if (ok && !strcmp(f.key, key))
		decide(s->libs3, LIBS3_SPACE_WELL);
	else if (ok && !strcmp(f.key, plus))
		decide(s->libs3, LIBS3_SPACE_PLUS);
	else
		migrate_note(s->ms,
			     "it could not be tried whether the endpoint takes '+' for a space: "
			     "keys with spaces are refused");
}

static enum migrate_status refuse(struct libs3_session *s)
{
	return migrate_fail(s->ms, MIGRATE_INVALID, "%s", LIBS3_SPACE_TROUBLE);
}

static bool same(const struct found *f, const struct libs3_head *head)
{
	size_t n = strlen(head->etag);
	const char *etag = f->etag + (f->etag[0] == '"');

	return n && !strncmp(etag, head->etag, n) && (!etag[n] || etag[n] == '"');
}

/* The object of that key is there; is it the one that the library reaches? */
static enum migrate_status judge(struct libs3_session *s, const char *key, const struct found *f)
{
	struct libs3_head head;
	struct found other;
	char plus[LIBS3_KEY_MAX + 1];
	enum migrate_status status = libs3_look(s, key, NULL, &head);

	if (status != MIGRATE_OK && status != MIGRATE_NOT_FOUND)
		return status;
	if (status == MIGRATE_NOT_FOUND || !same(f, &head)) {
		decide(s->libs3, LIBS3_SPACE_PLUS);
		return refuse(s);
	}
	text_copy(plus, sizeof(plus), key);
	with_plus(plus);
	status = look_up(s, plus, &other);
	if (status != MIGRATE_OK)
		return status;
	if (!strcmp(other.key, plus) && same(&other, &head))
		return refuse(s); /* twins: another key will tell */
	decide(s->libs3, LIBS3_SPACE_WELL);
	return MIGRATE_OK;
}

enum migrate_status libs3_read_key(struct libs3_session *s, struct migrate_bytes key,
				   char text[LIBS3_KEY_MAX + 1])
{
	enum migrate_status status = libs3_key(s, key, text) ? MIGRATE_OK : MIGRATE_INVALID;
	struct found f;

	if (status != MIGRATE_OK || !strchr(text, ' ') ||
	    atomic_load(&s->libs3->space) != LIBS3_SPACE_UNKNOWN)
		return status;
	status = look_up(s, text, &f);
	if (status != MIGRATE_OK)
		return status;
	if (strcmp(f.key, text) != 0)
		return migrate_fail(s->ms, MIGRATE_NOT_FOUND, "no such key is listed");
	return judge(s, text, &f);
}

enum migrate_status libs3_write_key(struct libs3_session *s, struct migrate_bytes key,
				    char text[LIBS3_KEY_MAX + 1])
{
	if (!libs3_key(s, key, text))
		return MIGRATE_INVALID;
	if (strchr(text, ' ') && atomic_load(&s->libs3->space) != LIBS3_SPACE_WELL)
		return refuse(s);
	return MIGRATE_OK;
}
