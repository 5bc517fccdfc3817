/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <string.h>

/* What the server's errors mean, by how they begin; and what to do about them. */
static const struct {
	const char *begins;
	enum migrate_status status;
	bool leave; /* this connection is of no use any more */
	const char *advice;
} meanings[] = {
	{ "NOAUTH", MIGRATE_UNAVAILABLE, true, "give password or password_file" },
	{ "WRONGPASS", MIGRATE_UNAVAILABLE, true, "check user and password" },
	{ "ERR invalid password", MIGRATE_UNAVAILABLE, true, "check the password" },
	{ "ERR invalid username-password", MIGRATE_UNAVAILABLE, true, "check user and password" },
	{ "ERR AUTH <password> called without any password", MIGRATE_INVALID, true,
	  "the server has no password: leave it out" },
	{ "ERR Client sent AUTH, but no password", MIGRATE_INVALID, true,
	  "the server has no password: leave it out" },
	{ "NOPERM", MIGRATE_DENIED, false,
	  "the user's access rules must allow the commands, keys and channels that "
	  "migrate-redis(7) names" },
	{ "READONLY", MIGRATE_UNAVAILABLE, true,
	  "this is a replica: the address must lead to the master" },
	{ "LOADING", MIGRATE_UNAVAILABLE, false, "the server is reading its data from disk" },
	{ "MASTERDOWN", MIGRATE_UNAVAILABLE, true, "a replica that has lost its master" },
	{ "MISCONF", MIGRATE_UNAVAILABLE, false,
	  "the server cannot save its data and refuses to write: look into its log" },
	{ "NOREPLICAS", MIGRATE_UNAVAILABLE, false, "min-replicas-to-write is not met" },
	{ "BUSY ", MIGRATE_UNAVAILABLE, false, "a script runs; SCRIPT KILL ends it" },
	{ "OOM", MIGRATE_NO_SPACE, false, "raise maxmemory or remove keys" },
	{ "MOVED", MIGRATE_INVALID, false, "a cluster is not supported" },
	{ "ASK ", MIGRATE_INVALID, false, "a cluster is not supported" },
	{ "CLUSTERDOWN", MIGRATE_INVALID, false, "a cluster is not supported" },
	{ "CROSSSLOT", MIGRATE_INVALID, false, "a cluster is not supported" },
	{ "TRYAGAIN", MIGRATE_INVALID, false, "a cluster is not supported" },
	{ "ERR max number of clients", MIGRATE_UNAVAILABLE, true, "raise maxclients" },
	{ "ERR DB index is out of range", MIGRATE_INVALID, true,
	  "the option database is larger than the server has" },
	{ "ERR invalid DB index", MIGRATE_INVALID, true, "check the option database" },
	{ "ERR Protocol error", MIGRATE_UNAVAILABLE, true, "the connection is broken" },
	{ "ERR unknown command", MIGRATE_INVALID, false,
	  "the server is too old, or the command was renamed" },
};

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* An error of a command inside our script has its own words around it. */
static bool is_denied_in_script(const char *text)
{
	return strstr(text, "can't run this command") || strstr(text, "ACL failure in script");
}

static enum migrate_status fail(struct self *self, const char *text)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (!begins(text, meanings[i].begins) &&
		    !(meanings[i].status == MIGRATE_DENIED && is_denied_in_script(text)))
			continue;
		return migrate_fail(self->session, meanings[i].status, "%s (%s)", text,
				    meanings[i].advice);
	}
	if (strstr(text, "command not allowed when used memory"))
		return migrate_fail(self->session, MIGRATE_NO_SPACE,
				    "%s (raise maxmemory or remove keys)", text);
	return migrate_fail(self->session, MIGRATE_TRANSIENT, "%s", text);
}

/* Access rules may speak of names that our made up ones are not like. */
static bool is_about_names(const char *text)
{
	return begins(text, "NOPERM") && (strstr(text, "key") || strstr(text, "channel"));
}

static bool is_no_command(const char *text)
{
	return begins(text, "ERR unknown command");
}

static bool says(const redisReply *reply, const char *text)
{
	return reply->type == REDIS_REPLY_STATUS && !strcmp(reply->str, text);
}

/* Each command has one kind of answer: another one belongs to another command, or to none. */
static bool is_of_its_kind(const redisReply *reply, enum asked asked)
{
	switch (asked) {
	case ASKED_OK:
		return says(reply, "OK");
	case ASKED_PONG:
		return says(reply, "PONG");
	case ASKED_TRIAL:
	case ASKED_TRIAL_LAX:
		return says(reply, "QUEUED");
	case ASKED_TEXT:
		return reply->type == REDIS_REPLY_STRING;
	case ASKED_NUMBER:
	case ASKED_KEYS:
	case ASKED_SCRIPT:
		return reply->type == REDIS_REPLY_INTEGER;
	case ASKED_ANYTHING:
		break;
	}
	return true;
}

enum migrate_status answer_judge(struct self *self, const redisReply *reply, enum asked asked)
{
	const char *text;
	enum migrate_status first = self->status;

	if (reply->type != REDIS_REPLY_ERROR || asked == ASKED_ANYTHING) {
		if (first || is_of_its_kind(reply, asked))
			return first;
		return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
				    "the server's answer is not what was asked for: it is of "
				    "another kind");
	}
	text = reply->str;
	if (asked == ASKED_SCRIPT && begins(text, "NOSCRIPT")) {
		self->script_missing = true;
		return MIGRATE_OK;
	}
	if (asked == ASKED_KEYS && !self->no_unlink && is_no_command(text)) {
		self->unlink_missing = true;
		return MIGRATE_OK;
	}
	if (asked == ASKED_TRIAL_LAX && is_about_names(text))
		return MIGRATE_OK;
	/* the first trouble is the cause of those that follow it */
	return first ? first : fail(self, text);
}
