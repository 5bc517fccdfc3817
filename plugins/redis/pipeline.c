/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/*
 * Commands go out together, and their answers are read while they do: a server
 * whose answers nobody takes stops reading.
 */

#define READ_SIZE 65536

enum migrate_status out_of_memory(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE, "out of memory");
}

enum migrate_status connection_ready(struct self *self)
{
	enum migrate_status status;

	if (self->fd >= 0 && wire_is_dead(self))
		wire_close(self);
	if (self->fd >= 0)
		return MIGRATE_OK;
	status = wire_open(self);
	if (!status)
		status = connection_set_up(self);
	if (status)
		wire_close(self);
	return status;
}

static void take_answer(struct self *self, redisReply *reply)
{
	enum asked asked = self->asked[self->answered++];
	enum migrate_status status = answer_judge(self, reply, asked);

	if (status && !self->status)
		self->status = status;
	if (self->keep && self->answered == self->asked_count)
		self->kept = reply;
	else
		freeReplyObject(reply);
}

static enum migrate_status not_asked(struct self *self)
{
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
			    "the server answered what it was not asked");
}

/* Answers that have come whole. */
static enum migrate_status take_answers(struct self *self)
{
	enum migrate_status status;
	redisReply *reply;

	for (;;) {
		status = reader_next(self, &reply);
		if (status || !reply)
			return status;
		if (self->answered == self->asked_count) {
			freeReplyObject(reply);
			return not_asked(self);
		}
		take_answer(self, reply);
	}
}

/* All that can be read now. */
static enum migrate_status read_some(struct self *self)
{
	enum migrate_status status = MIGRATE_OK;
	char bytes[READ_SIZE];
	ptrdiff_t n;

	while (!status && self->answered < self->asked_count &&
	       (n = wire_read(self, bytes, sizeof(bytes)))) {
		if (n < 0)
			return MIGRATE_UNAVAILABLE;
		status = reader_feed(self, bytes, (size_t)n);
		if (!status)
			status = take_answers(self);
	}
	if (!status && self->answered == self->asked_count && reader_holds(self))
		status = not_asked(self);
	return status;
}

static enum migrate_status write_some(struct self *self)
{
	while (self->sent < self->out.n) {
		ptrdiff_t n = wire_write(self, self->out.p + self->sent, self->out.n - self->sent);

		if (n < 0)
			return MIGRATE_UNAVAILABLE;
		if (!n)
			break;
		self->sent += (size_t)n;
	}
	return MIGRATE_OK;
}

static enum migrate_status wait_for_server(struct self *self, int64_t until)
{
	short events = self->wants | POLLIN;
	int ready;

	if (!self->ssl && self->sent < self->out.n)
		events |= POLLOUT;
	ready = migrate_wait(self->session, self->fd, events, -1);
	self->wants = 0;
	/* what trickles in is not waited for without an end */
	if (ready > 0 && now_ms() < until)
		return MIGRATE_OK;
	if (ready < 0 && migrate_cancelled(self->session))
		return migrate_fail(self->session, MIGRATE_CANCELLED, "cancelled");
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
			    "the server has not answered in time");
}

enum migrate_status pipeline_run(struct self *self)
{
	int64_t until = now_ms() + SLOWEST * migrate_deadline(self->session);
	enum migrate_status status = MIGRATE_OK;

	self->status = MIGRATE_OK;
	while (!status && self->answered < self->asked_count) {
		status = write_some(self);
		if (!status)
			status = read_some(self);
		if (!status && self->answered < self->asked_count)
			status = wait_for_server(self, until);
	}
	text_reset(&self->out);
	self->sent = self->asked_count = self->answered = 0;
	if (status)
		wire_close(self); /* who knows what was done: all of it again */
	return status ? status : self->status;
}

enum migrate_status command_add(struct self *self, enum asked asked, int argc, const char **argv,
				const size_t *lengths)
{
	enum migrate_status status = MIGRATE_OK;
	char *text = NULL;
	long long n;
	bool good;

	if (self->asked_count == PIPELINE_MAX || self->out.n >= PIPELINE_BYTES)
		status = pipeline_run(self);
	if (status)
		return status;
	n = redisFormatCommandArgv(&text, argc, argv, lengths);
	good = n > 0 && text_add(&self->out, text, (size_t)n);
	if (n > 0)
		explicit_bzero(text, (size_t)n); /* it may hold the password */
	redisFreeCommand(text);
	if (!good)
		return out_of_memory(self);
	self->asked[self->asked_count++] = (unsigned char)asked;
	return MIGRATE_OK;
}

enum migrate_status command_words(struct self *self, enum asked asked, const char *const *words)
{
	const char *argv[8];
	int n = 0;

	for (; n < 8 && words[n]; n++)
		argv[n] = words[n];
	return command_add(self, asked, n, argv, NULL);
}

redisReply *command_ask(struct self *self, enum asked asked, const char *const *words,
			enum migrate_status *status)
{
	redisReply *reply;

	*status = command_words(self, asked, words);
	self->keep = true;
	self->kept = NULL;
	if (!*status)
		*status = pipeline_run(self);
	self->keep = false;
	reply = self->kept;
	self->kept = NULL;
	if (!*status)
		return reply;
	if (reply)
		freeReplyObject(reply);
	return NULL;
}
