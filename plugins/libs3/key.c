/* SPDX-License-Identifier: MIT */
#include "libs3-impl.h"

#include <string.h>

/*
 * Keys that the library sends as another key, or reads back as one, are refused:
 *  - a space leaves libs3 2.0 as '+', which only some endpoints take for a space;
 *    see space.c;
 *  - libcurl, left to itself, resolves segments . and .. of a path;
 *  - control characters and what is not UTF-8 cannot stand in the XML of a listing,
 *    which libs3 cannot ask for in encoded form: one such key hides all others.
 */

static bool has_dot_segment(const char *p, size_t n)
{
	const char *end = p + n;

	while (p <= end) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		size_t length = (size_t)((slash ? slash : end) - p);

		if ((length == 1 && p[0] == '.') || (length == 2 && p[0] == '.' && p[1] == '.'))
			return true;
		if (!slash)
			break;
		p = slash + 1;
	}
	return false;
}

static bool has_control(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < ' ')
			return true;
	return false;
}

/* U+FFFE and U+FFFF are UTF-8, but no characters of XML. */
static bool has_noncharacter(const char *p, size_t n)
{
	return memmem(p, n, "\xef\xbf\xbe", 3) || memmem(p, n, "\xef\xbf\xbf", 3);
}

const char *libs3_key_trouble(const struct libs3 *l, const void *key, size_t n)
{
	if (!n)
		return "a key cannot be empty";
	if (n > LIBS3_LISTED_MAX)
		return "libs3 cuts keys of more than 1022 bytes when it lists them";
	if (has_control(key, n))
		return "libs3 cannot list keys with control characters";
	if (!migrate_is_utf8(key, n) || has_noncharacter(key, n))
		return "libs3 cannot list keys that are not UTF-8";
	if (has_dot_segment(key, n))
		return "libs3 cannot send a key with a segment '.' or '..'";
	if (atomic_load(&l->space) == LIBS3_SPACE_PLUS && memchr(key, ' ', n))
		return LIBS3_SPACE_TROUBLE;
	return NULL;
}

bool libs3_key(struct libs3_session *s, struct migrate_bytes key, char text[LIBS3_KEY_MAX + 1])
{
	const char *trouble = libs3_key_trouble(s->libs3, key.p, key.n);

	if (trouble) {
		migrate_fail(s->ms, MIGRATE_INVALID, "%s", trouble);
		return false;
	}
	memcpy(text, key.p, key.n);
	text[key.n] = '\0';
	return true;
}
