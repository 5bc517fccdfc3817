/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

/*
 * hiredis keeps what a server sends until an answer is complete, however much it is, and
 * makes room for a list as soon as it is told how long it will be. No command of ours is
 * answered by a list, nor by much: so lists are not made, and the rest is counted.
 */

#if HIREDIS_MAJOR < 1
typedef int list_length;
#else
typedef size_t list_length;
#endif

static void *make_list(const redisReadTask *task, list_length n)
{
	struct self *self = task->privdata;

	(void)n;
	self->listed = true;
	return NULL; /* which the reader takes for a lack of memory */
}

bool reader_open(struct self *self)
{
	self->listed = false;
	self->reader = redisReaderCreate();
	if (!self->reader)
		return false;
	self->functions = *self->reader->fn;
	self->functions.createArray = make_list;
	self->reader->fn = &self->functions;
	self->reader->privdata = self;
	return true;
}

size_t reader_holds(const struct self *self)
{
	return self->reader->len - self->reader->pos;
}

enum migrate_status reader_feed(struct self *self, const void *p, size_t n)
{
	if (redisReaderFeed(self->reader, p, n) == REDIS_OK)
		return MIGRATE_OK;
	return migrate_fail(self->session, MIGRATE_UNAVAILABLE, "out of memory");
}

enum migrate_status reader_next(struct self *self, redisReply **reply)
{
	void *whole = NULL;

	*reply = NULL;
	if (redisReaderGetReply(self->reader, &whole) != REDIS_OK && self->listed)
		return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
				    "the server's answer is not what was asked for: it is a list");
	if (self->reader->err)
		return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
				    "the server does not speak Redis' protocol: %s",
				    self->reader->errstr);
	if (!whole && reader_holds(self) > ANSWER_MAX)
		return migrate_fail(self->session, MIGRATE_UNAVAILABLE,
				    "the server's answer is not what was asked for: it has more "
				    "than %u bytes",
				    ANSWER_MAX);
	*reply = whole;
	return MIGRATE_OK;
}
