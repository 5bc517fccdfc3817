/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_STREAM_IMPL_H
#define MIGRATE_PLUGIN_STREAM_IMPL_H

#include "plugin/stream.h"

/*
 * What all sinks and bodies share, whatever stands behind them. A sink offers
 * `room` bytes since the last space(); filled() may not take more than that. A
 * body offers `room` bytes since the last span(). overflow: more was pushed than
 * there was room for, which is the plugin's or the object's fault. A full sink
 * still offers `spare`, so that a plugin that reads until the end finds the end.
 */
struct migrate_sink {
	void *(*space)(struct migrate_sink *s, size_t *n);
	bool (*filled)(struct migrate_sink *s, size_t n);
	bool (*restart)(struct migrate_sink *s);
	struct migrate_session *session;
	stream_throttle *throttle;
	void *arg;
	size_t room;
	bool overflow;
	unsigned char spare[64];

	unsigned char *bytes; /* memory: where to; digest: a buffer of its own */
	size_t size;
	uint64_t count;
	struct digest_context *digest;
	struct ring *ring;
};

struct migrate_body {
	bool (*span)(struct migrate_body *b, const void **bytes, size_t *n);
	void (*used)(struct migrate_body *b, size_t n);
	bool (*restart)(struct migrate_body *b);
	struct migrate_session *session;
	size_t room;

	const unsigned char *bytes;
	size_t size, at;
	struct ring *ring;
};

#endif
