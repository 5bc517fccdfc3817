/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The options as a list of actions. Values are rewritten first, then keys are
 * removed, and who listens on a channel is told when all of that is done.
 */

static struct action *next_action(struct instance *inst, enum action_kind kind)
{
	struct action *a = &inst->actions[inst->count++];

	*a = (struct action){ .kind = kind };
	return a;
}

/* "KEY": a string; "KEY FIELD": a field of a hash. */
static bool take_rewrite(struct instance *inst, const char *text, char *why, size_t size)
{
	size_t key = strcspn(text, " "), blanks = strspn(text + key, " ");
	const char *field = text + key + blanks;
	struct action *a = next_action(inst, *field ? ACTION_HASH : ACTION_STRING);

	return template_parse(&a->key, text, key, why, size) &&
	       (!*field || template_parse(&a->field, field, strlen(field), why, size));
}

static bool take_publish(struct instance *inst, const struct migrate_pair *pair, char *why,
			 size_t size)
{
	struct action *a = next_action(inst, ACTION_PUBLISH);
	const char *message = pair->value ? pair->value : "";

	return template_parse(&a->key, pair->name, strlen(pair->name), why, size) &&
	       template_parse(&a->field, message, strlen(message), why, size);
}

static bool take_unlink(struct instance *inst, const char *text, char *why, size_t size)
{
	return template_parse(&next_action(inst, ACTION_UNLINK)->key, text, strlen(text), why,
			      size);
}

bool actions_take(const struct redis_config *c, struct instance *inst, const char **option,
		  size_t *at, char *why, size_t size)
{
	size_t n = c->rewrite.n + c->invalidate.n + c->publish.n;

	inst->actions = calloc(n + 1, sizeof(*inst->actions));
	*option = "invalidate";
	*at = 0;
	if (!n || !inst->actions) {
		snprintf(why, size, "%s",
			 n ? "out of memory"
			   : "is missing: there is nothing to do without invalidate, rewrite or "
			     "publish");
		return false;
	}
	*option = "rewrite";
	for (*at = 0; *at < c->rewrite.n; ++*at)
		if (!take_rewrite(inst, c->rewrite.items[*at], why, size))
			return false;
	*option = "invalidate";
	for (*at = 0; *at < c->invalidate.n; ++*at)
		if (!take_unlink(inst, c->invalidate.items[*at], why, size))
			return false;
	*option = "publish";
	for (*at = 0; *at < c->publish.n; ++*at)
		if (!take_publish(inst, &c->publish.pairs[*at], why, size))
			return false;
	return true;
}

void actions_release(struct instance *inst)
{
	for (size_t i = 0; i < inst->count; i++) {
		template_release(&inst->actions[i].key);
		template_release(&inst->actions[i].field);
	}
	free(inst->actions);
	inst->actions = NULL;
	inst->count = 0;
}
