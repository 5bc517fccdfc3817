/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <string.h>

/*
 * Commands that are queued by MULTI are judged as if they were to run (access
 * rules, replica, memory, disk), and DISCARD forgets them: so the server says
 * whether it would take ours, and nothing is changed.
 */

/* Up to the first placeholder, and then whatever: enough for rules by prefix. */
static const char *name_like(const struct template *t, struct text *out)
{
	const char *text = t->count && t->parts[0].kind == PART_TEXT ? t->parts[0].text : "";

	text_reset(out);
	if (!text_str(out, text) || (!template_is_fixed(t) && !text_char(out, '0')))
		return "0";
	return text_get(out);
}

static enum migrate_status try(struct self *self, const struct action *a)
{
	bool lax = !a->key.count || a->key.parts[0].kind != PART_TEXT;
	enum asked asked = lax ? ASKED_TRIAL_LAX : ASKED_TRIAL;
	const char *name = name_like(&a->key, &self->name);
	enum migrate_status status;

	switch (a->kind) {
	case ACTION_UNLINK:
		return command_words(
		    self, asked,
		    (const char *[]){ self->no_unlink ? "DEL" : "UNLINK", name, NULL });
	case ACTION_PUBLISH:
		return command_words(self, asked, (const char *[]){ "PUBLISH", name, "0", NULL });
	case ACTION_HASH:
		status =
		    command_words(self, asked, (const char *[]){ "HSET", name, "0", "0", NULL });
		break;
	default:
		status = command_words(self, asked, (const char *[]){ "SET", name, "0", NULL });
	}
	if (status)
		return status;
	return command_words(
	    self, asked,
	    (const char *[]){ "EVALSHA", self->instance->sha, "1", name, "0", "0", NULL });
}

enum migrate_status trial_run(struct self *self)
{
	enum migrate_status status;
	redisReply *reply;

	reply = command_ask(self, ASKED_OK, (const char *[]){ "MULTI", NULL }, &status);
	if (reply)
		freeReplyObject(reply);
	/* a user who may not queue commands can be told nothing in advance */
	if (status)
		return status == MIGRATE_DENIED || status == MIGRATE_INVALID ? MIGRATE_OK : status;
	for (size_t i = 0; !status && i < self->instance->count; i++)
		status = try(self, &self->instance->actions[i]);
	if (!status)
		status = command_words(self, ASKED_ANYTHING, (const char *[]){ "DISCARD", NULL });
	return status ? status : pipeline_run(self);
}
