/* SPDX-License-Identifier: MIT */
#include "extra.h"

#include "bytes.h"

static bool extra_add(unsigned char *out, size_t *n, struct migrate_bytes value)
{
	if (EXTRA_MAX - *n < 5 || EXTRA_MAX - *n - 5 < value.n)
		return false;
	out[(*n)++] = value.p != NULL;
	if (!value.p)
		return true;
	put32(out + *n, (uint32_t)value.n);
	if (value.n)
		memcpy(out + *n + 4, value.p, value.n);
	*n += 4 + value.n;
	return true;
}

enum migrate_status extra_write(struct migrate_session *session, const struct migrate_bytes *values,
				size_t count, unsigned char *out, struct migrate_bytes *extra)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (!extra_add(out, &n, values[i]))
			return extra_too_large(session);
	*extra = (struct migrate_bytes){ .p = out, .n = n };
	return MIGRATE_OK;
}

bool extra_next(struct migrate_bytes *extra, struct migrate_bytes *value)
{
	const unsigned char *p = extra->p;
	size_t n;

	if (!extra->n || p[0] > 1)
		return false;
	*value = (struct migrate_bytes){ .p = NULL, .n = 0 };
	if (!p[0]) {
		*extra = (struct migrate_bytes){ .p = p + 1, .n = extra->n - 1 };
		return true;
	}
	if (extra->n < 5)
		return false;
	n = get32(p + 1);
	if (n > extra->n - 5)
		return false;
	*value = (struct migrate_bytes){ .p = p + 5, .n = n };
	*extra = (struct migrate_bytes){ .p = p + 5 + n, .n = extra->n - 5 - n };
	return true;
}

enum migrate_status extra_too_large(struct migrate_session *session)
{
	return migrate_fail(session, MIGRATE_INVALID,
			    "set: the columns hold more than %d bytes, so the change could not be "
			    "undone",
			    EXTRA_MAX);
}
