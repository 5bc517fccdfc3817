/* SPDX-License-Identifier: MIT */
#ifndef PLUGIN_FIXTURE_H
#define PLUGIN_FIXTURE_H

#include "plugin/end.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A store whose operations do what the test says: it sets `act`, which each calls with its request. */
static int (*act)(void *request);

#define ACTS(name_, request_)                                                                      \
	static enum migrate_status fake_##name_(void *self, struct request_ *r)                    \
	{                                                                                          \
		(void)self;                                                                        \
		return (enum migrate_status)act(r);                                                \
	}
ACTS(identity, migrate_identity)
ACTS(describe, migrate_describe)
ACTS(probe, migrate_probe)
ACTS(list, migrate_list)
ACTS(stat, migrate_stat)
ACTS(get, migrate_get)
ACTS(put, migrate_put)
ACTS(remove, migrate_remove)
ACTS(parts, migrate_parts)
ACTS(uploads, migrate_uploads)

static enum migrate_status fake_open(struct migrate_open *r)
{
	r->instance = &act;
	return MIGRATE_OK;
}

static enum migrate_status fake_begin(struct migrate_begin *r)
{
	r->self = r->instance;
	return MIGRATE_OK;
}

static void fake_end(void *self)
{
	(void)self;
}

static const struct migrate_store_ops fake_store = {
	.size = sizeof(fake_store),
	.open = fake_open,
	.close = fake_end,
	.begin = fake_begin,
	.end = fake_end,
	.identity = fake_identity,
	.describe = fake_describe,
	.probe = fake_probe,
	.list = fake_list,
	.stat = fake_stat,
	.get = fake_get,
	.put = fake_put,
	.remove = fake_remove,
	.parts = fake_parts,
	.uploads = fake_uploads,
};

static const struct migrate_plugin fake = {
	MIGRATE_PLUGIN_HEAD, .kind = MIGRATE_STORE, .name = "fake",
	.version = "1",      .summary = "fake",     .store = &fake_store,
};

static struct host host;
static struct end *end;
static struct migrate_session *session, *other;

static void set_up(void)
{
	struct error why = ERROR_INIT;

	ck_assert_int_eq(host_init(&host, "0123456789abcdef", 1000, &why), 0);
	end = end_open(&host, "source", &fake, NULL, false, &why);
	ck_assert_msg(end != NULL, "%s", why.text);
	session = session_open(end, &why);
	other = session_open(end, &why);
	ck_assert(session && other);
}

static void tear_down(void)
{
	session_close(session);
	session_close(other);
	end_close(end);
	host_release(&host);
}

#endif
