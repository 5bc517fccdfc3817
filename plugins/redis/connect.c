/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <stdio.h>
#include <string.h>

/* Who we are, and which database is meant. */
enum migrate_status connection_set_up(struct self *self)
{
	const struct address *a = &self->instance->address;
	const char *user[] = { "AUTH", a->user, a->password, NULL };
	const char *password[] = { "AUTH", a->password, NULL };
	const char *ping[] = { "PING", NULL };
	char number[24], name[40];
	enum migrate_status status = MIGRATE_OK;

	snprintf(number, sizeof(number), "%lld", (long long)a->database);
	snprintf(name, sizeof(name), "migrate-%s", migrate_job_id(self->session));
	if (a->password)
		status = command_words(self, ASKED_OK, a->user ? user : password);
	if (!status && a->database)
		status = command_words(self, ASKED_OK, (const char *[]){ "SELECT", number, NULL });
	if (!status)
		status = command_words(self, ASKED_ANYTHING,
				       (const char *[]){ "CLIENT", "SETNAME", name, NULL });
	if (!status)
		status = command_words(self, ASKED_PONG, ping);
	if (!status)
		status = pipeline_run(self);
	self->greeted = !status;
	text_wipe(&self->out); /* it may hold the password */
	return status;
}

static bool says(const redisReply *reply, const char *text)
{
	return reply->type == REDIS_REPLY_STRING && strstr(reply->str, text);
}

/* A server that does not let us ask is taken for one that is right. */
enum migrate_status server_check(struct self *self)
{
	enum migrate_status status = connection_ready(self);
	redisReply *info;

	if (status)
		return status;
	info = command_ask(self, ASKED_TEXT, (const char *[]){ "INFO", "server", NULL }, &status);
	if (!info)
		return status == MIGRATE_DENIED ? MIGRATE_OK : status;
	if (says(info, "redis_mode:cluster"))
		status =
		    migrate_fail(self->session, MIGRATE_INVALID,
				 "this is a node of a cluster, and a cluster is not supported: "
				 "keys would have to be sent to many servers");
	else if (says(info, "redis_mode:sentinel"))
		status = migrate_fail(self->session, MIGRATE_INVALID,
				      "this is a Sentinel: name the server that it watches");
	freeReplyObject(info);
	return status;
}
