/* SPDX-License-Identifier: MIT */
#include "engine/copy/copier.h"

#include "base/log.h"
#include "engine/task/attributes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 64 /* different attributes that are counted one by one: bits of an item's lost */

/* Attributes that the destination cannot hold: warned of once, counted by name. */
struct losses {
	pthread_mutex_t lock;
	size_t n;
	struct loss {
		char name[128];
		uint64_t objects;
	} names[NAMES_MAX];
};

struct losses *losses_new(void)
{
	struct losses *l = calloc(1, sizeof(*l));

	if (l)
		pthread_mutex_init(&l->lock, NULL);
	return l;
}

void losses_free(struct losses *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void losses_report(struct losses *l)
{
	for (size_t i = 0; i < l->n; i++)
		log_warn("attribute '%s' of %" PRIu64 " objects could not be kept",
			 l->names[i].name, l->names[i].objects);
}

/*
 * True: it is a name not seen before. Both the core and the plugin may see one loss, and
 * again at each attempt: seen has a bit for each name that was counted for this object.
 */
static bool add_loss(struct losses *l, const char *name, uint64_t *seen)
{
	size_t i = 0;
	bool new;

	pthread_mutex_lock(&l->lock);
	while (i < l->n && strcmp(l->names[i].name, name))
		i++;
	new = i == l->n && l->n < NAMES_MAX;
	if (new)
		snprintf(l->names[l->n++].name, sizeof(l->names[0].name), "%s", name);
	if (i < l->n && !(*seen & UINT64_C(1) << i)) {
		*seen |= UINT64_C(1) << i;
		l->names[i].objects++;
	}
	pthread_mutex_unlock(&l->lock);
	return new;
}

static void lose(struct copier *c, struct item *it, const char *name)
{
	if (add_loss(c->run->losses, name, &it->lost))
		log_warn("the destination does not keep attribute '%s' (attributes: warn)", name);
}

uint32_t attribute_flags(const struct run *run)
{
	return run->task->job->copy.attributes == ATTRIBUTES_FAIL ? MIGRATE_STRICT_ATTRIBUTES : 0;
}

static void forget_doubted(struct copier *c)
{
	const struct ends *e = &c->run->task->ends;
	struct migrate_bytes value;
	const char *name;

	for (size_t i = 0; migrate_attribute_at(c->attributes, i, &name, &value);)
		if (store_doubts(&e->destination_facts, &e->source_facts, name))
			attributes_forget(c->attributes, i);
		else
			i++;
}

bool attributes_fit(struct copier *c, struct item *it)
{
	int policy = c->run->task->job->copy.attributes;
	struct migrate_bytes value;
	const char *name;
	char *text;

	for (size_t i = 0; migrate_attribute_at(c->attributes, i, &name, &value); i++) {
		if (!attribute_is_lost(&c->run->task->ends, name, value.n))
			continue;
		if (policy == ATTRIBUTES_FAIL) {
			text = arena_printf(&c->arena, "the destination does not keep '%s'", name);
			fail_item(it, FAIL_ATTRIBUTES, text ? text : "attributes would be lost");
			return false;
		}
		if (policy == ATTRIBUTES_WARN)
			lose(c, it, name);
	}
	forget_doubted(c);
	return true;
}

void attributes_lost(struct copier *c, struct item *it)
{
	char name[128];
	const char *p = session_lost(c->destination);

	if (c->run->task->job->copy.attributes != ATTRIBUTES_WARN)
		return;
	while (*p) {
		const char *end = strstr(p, ", ");
		size_t n = end ? (size_t)(end - p) : strlen(p);

		snprintf(name, sizeof(name), "%.*s", (int)n, p);
		lose(c, it, name);
		p += n + (end ? 2 : 0);
	}
}
