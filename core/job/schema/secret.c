/* SPDX-License-Identifier: MIT */
#include "job/schema/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MASKED_MIN 4 /* shorter ones would blank half of every text */

struct migrate_secret {
	struct migrate_secret *next;
	size_t n;
	struct secret_part parts[SECRET_PARTS_MAX];
	size_t part_count;
	char bytes[]; /* n, and a NUL that does not count */
};

/* One list per process: a text that is about to be shown may hold a secret of any job. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct migrate_secret *secrets;

struct migrate_secret *secret_new_parts(const void *bytes, size_t n,
					const struct secret_part *parts, size_t count)
{
	struct migrate_secret *s;

	if (count > SECRET_PARTS_MAX || n > SIZE_MAX - sizeof(*s) - 1)
		return NULL;
	s = calloc(1, sizeof(*s) + n + 1);
	if (!s)
		return NULL;
	s->n = n;
	s->part_count = count;
	memcpy(s->parts, parts, count * sizeof(*parts));
	if (n)
		memcpy(s->bytes, bytes, n);
	pthread_mutex_lock(&lock);
	s->next = secrets;
	secrets = s;
	pthread_mutex_unlock(&lock);
	return s;
}

struct migrate_secret *secret_new(const void *bytes, size_t n)
{
	return secret_new_parts(bytes, n, &(struct secret_part){ .at = 0, .n = n }, 1);
}

const char *secret_text(const struct migrate_secret *s)
{
	return s->bytes;
}

struct migrate_secret *secret_of_text(const char *text)
{
	struct migrate_secret *s;

	pthread_mutex_lock(&lock);
	for (s = secrets; s && s->bytes != text; s = s->next)
		;
	pthread_mutex_unlock(&lock);
	return s;
}

void secret_free(struct migrate_secret *s)
{
	struct migrate_secret **p = &secrets;

	if (!s)
		return;
	pthread_mutex_lock(&lock);
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	pthread_mutex_unlock(&lock);
	explicit_bzero(s->bytes, s->n);
	free(s);
}

static void mask_part(char *text, size_t n, const char *part, size_t len)
{
	char *end = text + n, *found;

	if (len < MASKED_MIN)
		return;
	while ((found = memmem(text, (size_t)(end - text), part, len))) {
		memset(found, '*', len);
		text = found + len;
	}
}

void secrets_mask(char *text, size_t n)
{
	pthread_mutex_lock(&lock);
	for (const struct migrate_secret *s = secrets; s; s = s->next)
		for (size_t i = 0; i < s->part_count; i++)
			mask_part(text, n, s->bytes + s->parts[i].at, s->parts[i].n);
	pthread_mutex_unlock(&lock);
}

struct migrate_bytes migrate_secret_reveal(const struct migrate_secret *secret)
{
	if (!secret)
		return (struct migrate_bytes){ .p = "", .n = 0 };
	return (struct migrate_bytes){ .p = secret->bytes, .n = secret->n };
}
