/* SPDX-License-Identifier: MIT */
#include "plugin/end.h"

#include <errno.h>

enum status_traits { SYSTEMIC = 1, RETRY = 2 };

static const struct {
	const char *name;
	unsigned int traits;
} statuses[MIGRATE_STATUS_COUNT] = {
	[MIGRATE_OK] = { "ok", 0 },
	[MIGRATE_NOT_FOUND] = { "not_found", 0 },
	[MIGRATE_EXISTS] = { "exists", 0 },
	[MIGRATE_CHANGED] = { "changed", 0 },
	[MIGRATE_MISMATCH] = { "mismatch", RETRY },
	[MIGRATE_INVALID] = { "invalid", 0 },
	[MIGRATE_DENIED] = { "denied", 0 },
	[MIGRATE_THROTTLED] = { "throttled", SYSTEMIC | RETRY },
	[MIGRATE_TRANSIENT] = { "transient", RETRY },
	[MIGRATE_UNKNOWN_OUTCOME] = { "unknown_outcome", RETRY },
	[MIGRATE_NO_SPACE] = { "no_space", SYSTEMIC | RETRY },
	[MIGRATE_UNAVAILABLE] = { "unavailable", SYSTEMIC | RETRY },
	[MIGRATE_UNSUPPORTED] = { "unsupported", 0 },
	[MIGRATE_CANCELLED] = { "cancelled", 0 },
	[MIGRATE_FATAL] = { "fatal", SYSTEMIC },
};

const char *status_name(enum migrate_status s)
{
	return (unsigned int)s < MIGRATE_STATUS_COUNT ? statuses[s].name : "no status";
}

static bool has_trait(enum migrate_status s, unsigned int trait)
{
	return (unsigned int)s < MIGRATE_STATUS_COUNT && (statuses[s].traits & trait);
}

bool status_is_systemic(enum migrate_status s)
{
	return has_trait(s, SYSTEMIC);
}

bool status_may_retry(enum migrate_status s)
{
	return has_trait(s, RETRY);
}

static const struct {
	int errnum;
	enum migrate_status status;
} errnos[] = {
	{ ENOENT, MIGRATE_NOT_FOUND },
	{ EEXIST, MIGRATE_EXISTS },
	{ ENOTDIR, MIGRATE_INVALID },
	{ EISDIR, MIGRATE_INVALID },
	{ ENAMETOOLONG, MIGRATE_INVALID },
	{ EILSEQ, MIGRATE_INVALID },
	{ ELOOP, MIGRATE_INVALID },
	{ EFBIG, MIGRATE_INVALID },
	{ EOVERFLOW, MIGRATE_INVALID },
	{ EINVAL, MIGRATE_INVALID },
	{ ENOTEMPTY, MIGRATE_INVALID },
	{ EXDEV, MIGRATE_INVALID },
	{ EACCES, MIGRATE_DENIED },
	{ EPERM, MIGRATE_DENIED },
	{ ENOSPC, MIGRATE_NO_SPACE },
	{ EDQUOT, MIGRATE_NO_SPACE },
	{ EROFS, MIGRATE_UNAVAILABLE },
	{ EIO, MIGRATE_UNAVAILABLE },
	{ ENODEV, MIGRATE_UNAVAILABLE },
	{ ENXIO, MIGRATE_UNAVAILABLE },
	{ ESTALE, MIGRATE_UNAVAILABLE },
	{ ENOTCONN, MIGRATE_UNAVAILABLE },
	{ EMFILE, MIGRATE_UNAVAILABLE },
	{ ENFILE, MIGRATE_UNAVAILABLE },
	{ ENOMEM, MIGRATE_UNAVAILABLE },
	{ ENETUNREACH, MIGRATE_UNAVAILABLE },
	{ EHOSTUNREACH, MIGRATE_UNAVAILABLE },
	{ ECONNREFUSED, MIGRATE_UNAVAILABLE },
	{ EHOSTDOWN, MIGRATE_UNAVAILABLE },
	{ EOPNOTSUPP, MIGRATE_UNSUPPORTED },
	{ ENOSYS, MIGRATE_UNSUPPORTED },
	{ ENOTTY, MIGRATE_UNSUPPORTED },
	{ ECANCELED, MIGRATE_CANCELLED },
};

/* What is not listed (EINTR, EAGAIN, EBUSY, ETIMEDOUT, ECONNRESET, ...) may pass by itself. */
enum migrate_status migrate_status_of_errno(int errnum)
{
	for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].errnum == errnum)
			return errnos[i].status;
	return MIGRATE_TRANSIENT;
}
