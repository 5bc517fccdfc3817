/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

/*
 * Requests go through a context of the library's, which we drive ourselves, so that
 * a call can be cancelled and has a deadline. The library makes dates in memory that
 * all threads share: requests start one at a time.
 */
static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;

#ifdef LIBS3_SIGV4
#define TIMEOUT 0,
#else
#define TIMEOUT
#endif

static int64_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void libs3_call_init(struct libs3_call *c, struct libs3_session *s)
{
	*c = (struct libs3_call){ .s = s, .expected = UINT64_MAX };
	c->head.mtime = INT64_MIN;
	c->moved = monotonic();
}

static void moves(struct libs3_call *c)
{
	c->moved = monotonic();
	migrate_progress(c->s->ms);
}

/* ---- What the library calls ---- */

static void take_head(struct libs3_call *c, const S3ResponseProperties *p)
{
	const char *etag = p->eTag ? p->eTag : "";
	size_t n = strlen(etag);

	if (n >= 2 && etag[0] == '"' && etag[n - 1] == '"') {
		etag++;
		n -= 2;
	}
	if (n > MIGRATE_ETAG_MAX)
		n = 0;
	memcpy(c->head.etag, etag, n);
	c->head.etag[n] = '\0';
	c->head.size = p->contentLength;
	c->head.mtime = p->lastModified > 0 ? p->lastModified * INT64_C(1000000000) : INT64_MIN;
	c->head.seen = true;
	if (c->attributes)
		libs3_take(p, c->attributes);
}

static S3Status on_properties(const S3ResponseProperties *p, void *arg)
{
	struct libs3_call *c = arg;

	if (c->stopped != MIGRATE_OK)
		return S3StatusAbortedByCallback;
	moves(c);
	take_head(c, p);
	return !c->on_head || c->on_head(c) ? S3StatusOK : S3StatusAbortedByCallback;
}

static void on_complete(S3Status status, const S3ErrorDetails *details, void *arg)
{
	struct libs3_call *c = arg;

	c->status = status;
	if (details && details->message)
		text_copy(c->message, sizeof(c->message), details->message);
	c->done = true;
}

static S3Status stop(struct libs3_call *c, enum migrate_status status, const char *why)
{
	if (c->stopped == MIGRATE_OK)
		c->stopped = why ? migrate_fail(c->s->ms, status, "%s", why) : status;
	return S3StatusAbortedByCallback;
}

static S3Status on_bytes(int n, const char *bytes, void *arg)
{
	struct libs3_call *c = arg;
	size_t size = (size_t)n;

	if (c->stopped != MIGRATE_OK)
		return S3StatusAbortedByCallback;
	moves(c);
	if (size > c->expected - c->moved_bytes)
		return stop(c, MIGRATE_TRANSIENT, "more bytes come than the endpoint said");
	if (c->digesting && !EVP_DigestUpdate(c->s->md, bytes, size))
		return stop(c, MIGRATE_UNAVAILABLE, "out of memory");
	if (c->sink && !migrate_sink_write(c->sink, bytes, size))
		return stop(c, MIGRATE_CANCELLED, NULL);
	c->moved_bytes += size;
	return S3StatusOK;
}

/* The last bytes leave only when the body has no more: what is whole is published. */
static bool ends_here(struct libs3_call *c)
{
	const void *more;
	size_t n;

	if (!migrate_body_span(c->body, &more, &n))
		stop(c, MIGRATE_CANCELLED, NULL);
	else if (n)
		stop(c, MIGRATE_MISMATCH, "the body holds more bytes than were promised");
	return c->stopped == MIGRATE_OK;
}

static int on_room(int room, char *buffer, void *arg)
{
	struct libs3_call *c = arg;
	uint64_t left = c->expected - c->moved_bytes;
	ptrdiff_t n;

	if (c->stopped != MIGRATE_OK)
		return -1;
	moves(c);
	n = migrate_body_read(c->body, buffer, left < (uint64_t)room ? (size_t)left : (size_t)room);
	if (n < 0)
		stop(c, MIGRATE_CANCELLED, NULL);
	else if (!n && left)
		stop(c, MIGRATE_MISMATCH, "the body ends before all that was promised");
	else if (c->digesting && !EVP_DigestUpdate(c->s->md, buffer, (size_t)n))
		stop(c, MIGRATE_UNAVAILABLE, "out of memory");
	else if ((uint64_t)n < left || ends_here(c))
		c->moved_bytes += (uint64_t)n;
	return c->stopped == MIGRATE_OK ? (int)n : -1;
}

/* ---- The loop ---- */

/*
 * One connection is waited for on its descriptor; while there are several, or one that
 * does not fit into an fd_set, a short nap does.
 */
static void wait_for_it(struct libs3_session *s)
{
	fd_set in, out, other;
	int max = -1, fd = -1, count = 0;
	int64_t timeout = S3_get_request_context_timeout(s->context);
	short events;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&other);
	if (S3_get_request_context_fdsets(s->context, &in, &out, &other, &max) != S3StatusOK)
		max = -1;
	for (int i = 0; i <= max; i++)
		if (FD_ISSET(i, &in) || FD_ISSET(i, &out)) {
			fd = i;
			count++;
		}
	events = (short)(count != 1 ? 0
				    : (FD_ISSET(fd, &in) ? POLLIN : 0) |
					  (FD_ISSET(fd, &out) ? POLLOUT : 0));
	if (timeout < 0 || timeout > 1000)
		timeout = 1000;
	if (count != 1 && timeout > 5)
		timeout = 5;
	migrate_wait(s->ms, count == 1 ? fd : -1, events, timeout);
}

/* A request can only be ended with its context. Its callbacks still come, and do nothing. */
static void drop(struct libs3_call *c)
{
	struct libs3_session *s = c->s;

	if (c->stopped == MIGRATE_OK)
		c->stopped = MIGRATE_CANCELLED;
	S3_destroy_request_context(s->context);
	s->context = NULL;
}

static enum migrate_status give_up(struct libs3_call *c)
{
	enum migrate_status status = MIGRATE_CANCELLED;

	if (!migrate_cancelled(c->s->ms))
		status = migrate_fail(c->s->ms, MIGRATE_TRANSIENT,
				      "the endpoint sends and takes nothing any more");
	c->stopped = status;
	drop(c);
	return status;
}

static enum migrate_status run(struct libs3_call *c)
{
	struct libs3_session *s = c->s;
	int64_t deadline = migrate_deadline(s->ms);
	int left = 1;

	while (!c->done) {
		if (migrate_cancelled(s->ms) || monotonic() - c->moved > deadline)
			return give_up(c);
		if (S3_runonce_request_context(s->context, &left) != S3StatusOK) {
			drop(c);
			c->stopped =
			    migrate_fail(s->ms, MIGRATE_TRANSIENT, "libs3 lost its connections");
			return c->stopped;
		}
		if (!c->done)
			wait_for_it(s);
	}
	return c->stopped;
}

static enum migrate_status start(struct libs3_call *c)
{
	struct libs3_session *s = c->s;

	if (!s->context && S3_create_request_context(&s->context) != S3StatusOK) {
		s->context = NULL;
		return migrate_fail(s->ms, MIGRATE_UNAVAILABLE, "out of memory for a connection");
	}
#ifdef LIBS3_SIGV4
	if (s->libs3->place.tls)
		S3_set_request_context_verify_peer(s->context, s->libs3->config.verify_tls);
#endif
	pthread_mutex_lock(&start_lock);
	return MIGRATE_OK;
}

static enum migrate_status started(struct libs3_call *c)
{
	pthread_mutex_unlock(&start_lock);
	return run(c);
}

/* ---- Requests ---- */

static S3BucketContext bucket_of(const struct libs3 *l)
{
	return (S3BucketContext){
		.hostName = l->place.host,
		.bucketName = l->config.bucket,
		.protocol = l->place.tls ? S3ProtocolHTTPS : S3ProtocolHTTP,
		.uriStyle =
		    l->config.style == LIBS3_STYLE_HOST ? S3UriStyleVirtualHost : S3UriStylePath,
		.accessKeyId = l->config.access_key,
		.secretAccessKey = l->secret,
#ifdef LIBS3_SIGV4
		.authRegion = l->config.region,
#endif
	};
}

static const S3ResponseHandler plain = { &on_properties, &on_complete };

enum migrate_status libs3_call_head(struct libs3_call *c, const char *key)
{
	S3BucketContext bucket = bucket_of(c->s->libs3);
	enum migrate_status status = start(c);

	if (status != MIGRATE_OK)
		return status;
	S3_head_object(&bucket, key, c->s->context, TIMEOUT & plain, c);
	return started(c);
}

enum migrate_status libs3_call_get(struct libs3_call *c, const char *key, const char *if_match,
				   uint64_t offset, uint64_t length)
{
	static const S3GetObjectHandler handler = { { &on_properties, &on_complete }, &on_bytes };
	S3GetConditions conditions = { .ifModifiedSince = -1,
				       .ifNotModifiedSince = -1,
				       .ifMatchETag = if_match };
	S3BucketContext bucket = bucket_of(c->s->libs3);
	enum migrate_status status = start(c);

	if (status != MIGRATE_OK)
		return status;
	S3_get_object(&bucket, key, &conditions, offset, length, c->s->context, TIMEOUT & handler,
		      c);
	return started(c);
}

enum migrate_status libs3_call_put(struct libs3_call *c, const char *key, uint64_t size,
				   const S3PutProperties *properties)
{
	static const S3PutObjectHandler handler = { { &on_properties, &on_complete }, &on_room };
	S3BucketContext bucket = bucket_of(c->s->libs3);
	enum migrate_status status;

	c->expected = size;
	if (!size && c->body && !ends_here(c))
		return c->stopped;
	status = start(c);
	if (status != MIGRATE_OK)
		return status;
	S3_put_object(&bucket, key, size, properties, c->s->context, TIMEOUT & handler, c);
	return started(c);
}

enum migrate_status libs3_call_copy(struct libs3_call *c, const struct libs3 *source,
				    const char *source_key, const char *key,
				    const S3PutProperties *properties)
{
	S3BucketContext bucket = bucket_of(c->s->libs3);
	enum migrate_status status = start(c);
	int64_t modified;
	char etag[MIGRATE_ETAG_MAX];

	if (status != MIGRATE_OK)
		return status;
	bucket.bucketName = source->config.bucket;
	S3_copy_object(&bucket, source_key, c->s->libs3->config.bucket, key, properties, &modified,
		       sizeof(etag), etag, c->s->context, TIMEOUT & plain, c);
	return started(c);
}

enum migrate_status libs3_call_remove(struct libs3_call *c, const char *key)
{
	S3BucketContext bucket = bucket_of(c->s->libs3);
	enum migrate_status status = start(c);

	if (status != MIGRATE_OK)
		return status;
	S3_delete_object(&bucket, key, c->s->context, TIMEOUT & plain, c);
	return started(c);
}

enum migrate_status libs3_call_list(struct libs3_call *c, const char *prefix, const char *marker,
				    uint32_t max, S3ListBucketCallback *each)
{
	const S3ListBucketHandler handler = { { &on_properties, &on_complete }, each };
	S3BucketContext bucket = bucket_of(c->s->libs3);
	enum migrate_status status = start(c);

	if (status != MIGRATE_OK)
		return status;
	S3_list_bucket(&bucket, prefix, marker, NULL, (int)max, c->s->context, TIMEOUT & handler,
		       c);
	return started(c);
}
