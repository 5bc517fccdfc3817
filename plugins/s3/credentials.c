/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Where keys come from, in this order: the options; the profile that the job names;
 * the environment, a web identity of the environment too; the profile of the
 * environment, or the default one; a container's agent; the machine's own service.
 *
 * They are renewed before they expire, by one session while the others go on with
 * what is good still; only when it is not do they wait for that one.
 */
#define EARLY 300       /* seconds before keys expire; a quarter of their life, if that is less */
#define AGAIN 30        /* seconds until a renewal that failed is tried again, if there is time */
#define FRUITLESS 10000 /* ms in which keys are not looked for again that were the same */
#define DOUBTED 60000   /* ms in which a doubt is not looked into twice */

bool s3_read_file(const char *path, size_t max, struct text *t)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char buffer[4096];
	ssize_t n = -1;
	bool fits;

	if (fd < 0)
		return false;
	while (t->n <= max) {
		n = read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || !text_add(t, buffer, (size_t)n))
			break;
	}
	OPENSSL_cleanse(buffer, sizeof(buffer));
	close(fd);
	fits = t->n <= max;
	while (t->n && t->p[t->n - 1] && strchr("\r\n \t", t->p[t->n - 1]))
		t->p[--t->n] = '\0';
	errno = fits ? errno : EFBIG;
	return !n && !t->bad && fits;
}

/* ---- One set of keys ---- */

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	return true;
}

static bool take(struct s3_session *s, const char *where, const char *what, const char *value,
		 char *to, size_t size)
{
	if (strlen(value) >= size)
		migrate_fail(s->ms, MIGRATE_INVALID, "%s: the %s is too long", where, what);
	else if (!is_printable(value))
		migrate_fail(s->ms, MIGRATE_INVALID,
			     "%s: the %s holds a blank, a line's end or something else that no "
			     "key has",
			     where, what);
	else
		text_copy(to, size, value);
	return strlen(value) < size && is_printable(value);
}

bool s3_keys_set(struct s3_session *s, struct s3_keys *k, const char *where, const char *access,
		 const char *secret, const char *token)
{
	if (!access || !*access || !secret || !*secret) {
		migrate_fail(s->ms, MIGRATE_INVALID, "%s: the %s is missing", where,
			     access && *access ? "secret key" : "access key");
		return false;
	}
	return take(s, where, "access key", access, k->access, sizeof(k->access)) &&
	       take(s, where, "secret key", secret, k->secret, sizeof(k->secret)) &&
	       take(s, where, "session token", token ? token : "", k->token, sizeof(k->token));
}

static enum migrate_status from_options(struct s3_session *s, struct s3_keys *k)
{
	const struct s3_config *c = &s->s3->config;
	struct text secret = { .p = NULL }, token = { .p = NULL };
	struct migrate_bytes b;
	bool ok;

	if (c->secret_key) {
		b = migrate_secret_reveal(c->secret_key);
		text_add(&secret, b.p, b.n);
	}
	if (c->session_token) {
		b = migrate_secret_reveal(c->session_token);
		text_add(&token, b.p, b.n);
	}
	ok = s3_keys_set(s, k, "the job file", c->access_key, text_get(&secret), text_get(&token));
	text_wipe(&secret);
	text_wipe(&token);
	return ok ? MIGRATE_OK : MIGRATE_INVALID;
}

enum migrate_status s3_keys_environment(struct s3_session *s, struct s3_keys *k, bool *found)
{
	const char *access = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
	const char *file = getenv("AWS_WEB_IDENTITY_TOKEN_FILE");
	struct s3_role role = { .arn = getenv("AWS_ROLE_ARN"),
				.session = getenv("AWS_ROLE_SESSION_NAME") };

	*found = true;
	if (access && *access && secret && *secret)
		return s3_keys_set(s, k, "AWS_ACCESS_KEY_ID and its kin", access, secret,
				   getenv("AWS_SESSION_TOKEN"))
			   ? MIGRATE_OK
			   : MIGRATE_INVALID;
	if (file && *file && role.arn && *role.arn)
		return s3_keys_web_identity(s, &role, file, k);
	*found = false;
	return MIGRATE_OK;
}

typedef enum migrate_status giver(struct s3_session *s, struct s3_keys *k, bool *found);

static enum migrate_status from_profile(struct s3_session *s, struct s3_keys *k, bool *found)
{
	return s3_keys_profile(s, s3_profile_name(&s->s3->config), k, found);
}

static enum migrate_status find_keys(struct s3_session *s, struct s3_keys *k)
{
	static giver *const usual[] = { s3_keys_environment, from_profile, s3_keys_container,
					s3_keys_machine };
	const struct s3_config *c = &s->s3->config;
	enum migrate_status status = MIGRATE_OK;
	bool found = false;

	*k = (struct s3_keys){ .expires = 0 };
	if (c->access_key)
		return from_options(s, k);
	if (c->profile)
		status = from_profile(s, k, &found);
	for (size_t i = 0; !c->profile && !found && i < sizeof(usual) / sizeof(usual[0]); i++)
		status = usual[i](s, k, &found);
	if (found)
		return status;
	if (c->profile)
		return migrate_fail(s->ms, MIGRATE_INVALID,
				    "profile: neither shared file says how '%s' comes by keys",
				    c->profile);
	return migrate_fail(
	    s->ms, MIGRATE_INVALID,
	    "there are no credentials: set access_key and secret_key, a profile, or "
	    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

/* ---- Renewing them ---- */

static bool same_keys(const struct s3_keys *a, const struct s3_keys *b)
{
	return !strcmp(a->access, b->access) && !strcmp(a->secret, b->secret) &&
	       !strcmp(a->token, b->token);
}

/* When to renew them, by this machine's clock, and until when they serve. */
static void set_times(struct s3_keys *k, int64_t now, int64_t offset)
{
	int64_t life, early;

	k->renew = k->serve = INT64_MAX;
	if (!k->expires)
		return;
	life = k->expires - offset - now;
	early = (life + 3) / 4 < EARLY ? (life + 3) / 4 : EARLY;
	/* a service in trouble gives old keys; they are taken, the server may know better */
	k->renew = life > 0 ? now + life - early : now + AGAIN;
	k->serve = life > 0 ? now + life - early / 8 : now + AGAIN;
}

/* With the lock held. */
static void adopt(struct s3 *s3, struct s3_keys *fresh, enum s3_keys_doubt doubt)
{
	bool same = s3->keys.generation && same_keys(fresh, &s3->keys);
	int64_t now = s3_monotonic();

	fresh->generation = s3->keys.generation + !same;
	set_times(fresh, (int64_t)time(NULL), s3->clock_offset);
	if (same && doubt != S3_KEYS_TRUSTED)
		s3->not_before[S3_KEYS_REFUSED] = now + FRUITLESS;
	if (doubt == S3_KEYS_DOUBTED)
		s3->not_before[doubt] = now + DOUBTED;
	s3->keys = *fresh;
}

/* With the lock held; let go of while they are looked for. */
static enum migrate_status renew(struct s3_session *s, enum s3_keys_doubt doubt)
{
	struct s3 *s3 = s->s3;
	struct s3_keys *fresh = malloc(sizeof(*fresh));
	enum migrate_status status;

	if (!fresh)
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory");
	s3->renewing = true;
	pthread_mutex_unlock(&s3->lock);
	status = find_keys(s, fresh);
	pthread_mutex_lock(&s3->lock);
	s3->renewing = false;
	s3->renewals++;
	if (status == MIGRATE_OK)
		adopt(s3, fresh, doubt);
	else if (s3->keys.generation)
		s3->keys.renew = (int64_t)time(NULL) + AGAIN;
	pthread_cond_broadcast(&s3->renewed);
	OPENSSL_cleanse(fresh, sizeof(*fresh));
	free(fresh);
	return status;
}

/* With the lock held: until the session that renews them is done. */
static enum migrate_status wait_for_other(struct s3_session *s)
{
	struct s3 *s3 = s->s3;
	unsigned int before = s3->renewals;
	struct timespec until;

	while (s3->renewing && s3->renewals == before) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 200000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&s3->renewed, &s3->lock, &until);
		if (migrate_cancelled(s->ms))
			return MIGRATE_CANCELLED;
		migrate_progress(s->ms);
	}
	return MIGRATE_OK;
}

/* With the lock held. */
static bool are_good(const struct s3_session *s, enum s3_keys_doubt doubt)
{
	const struct s3 *s3 = s->s3;
	int64_t now = (int64_t)time(NULL);

	if (!s3->keys.generation)
		return false;
	if (doubt != S3_KEYS_TRUSTED && s3->keys.generation == s->keys.generation)
		return s3_monotonic() < s3->not_before[doubt];
	return now < s3->keys.serve && (now < s3->keys.renew || s3->renewing);
}

/* With the lock held. One session renews them; whoever had to wait for it does not try again. */
static enum migrate_status see_to_it(struct s3_session *s, enum s3_keys_doubt doubt)
{
	struct s3 *s3 = s->s3;
	enum migrate_status status;

	if (are_good(s, doubt))
		return MIGRATE_OK;
	if (!s3->renewing)
		return renew(s, doubt);
	status = wait_for_other(s);
	if (status != MIGRATE_OK || are_good(s, doubt))
		return status;
	return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "the credentials cannot be renewed");
}

enum migrate_status s3_refresh_keys(struct s3_session *s, enum s3_keys_doubt doubt)
{
	struct s3 *s3 = s->s3;
	enum migrate_status status;

	if (doubt == S3_KEYS_TRUSTED && s->keys.generation && (int64_t)time(NULL) < s->keys.renew)
		return MIGRATE_OK;
	pthread_mutex_lock(&s3->lock);
	status = see_to_it(s, doubt);
	if (status != MIGRATE_OK && status != MIGRATE_CANCELLED && s3->keys.generation) {
		/* what serves still does; and that it does not is no fault of the job file */
		bool serves = doubt == S3_KEYS_TRUSTED && (int64_t)time(NULL) < s3->keys.serve;

		status = serves ? MIGRATE_OK : MIGRATE_UNAVAILABLE;
	}
	if (status == MIGRATE_OK)
		s->keys = s3->keys;
	pthread_mutex_unlock(&s3->lock);
	return status;
}
