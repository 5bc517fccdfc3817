/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Whose a new file becomes. An owner is two numbers, a user's and a group's; with
 * `owner: map` each is looked up by itself, and one that is not named there is left
 * as it is: whoever runs us.
 */
#define UNSET UINT32_MAX
#define ENTRY_MAX 16384

/* "*" is UNSET: any number where it is looked for, the same one where it is given. */
struct posix_pair {
	uint32_t from, to;
};

static bool take_number(const char *text, uint32_t *id)
{
	char *end;
	unsigned long long n;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || n >= UNSET)
		return false;
	*id = (uint32_t)n;
	return true;
}

static bool take_name(const char *text, bool group, uint32_t *id)
{
	struct passwd user, *found;
	struct group entry, *own;
	char *room = malloc(ENTRY_MAX);
	bool ok = false;

	if (room && group && !getgrnam_r(text, &entry, room, ENTRY_MAX, &own) && own) {
		*id = own->gr_gid;
		ok = true;
	} else if (room && !group && !getpwnam_r(text, &user, room, ENTRY_MAX, &found) && found) {
		*id = found->pw_uid;
		ok = true;
	}
	free(room);
	return ok;
}

static bool take_id(const char *text, bool group, uint32_t *id)
{
	*id = UNSET;
	return text && (!strcmp(text, "*") || take_number(text, id) || take_name(text, group, id));
}

/* NULL: all is well; else what is wrong with element *at. */
static const char *take_pairs(const struct migrate_map *map, bool group, struct posix_pair *pairs,
			      size_t *at)
{
	for (*at = 0; *at < map->n; ++*at) {
		const struct migrate_pair *pair = &map->pairs[*at];
		struct posix_pair *out = &pairs[*at];

		if (!take_id(pair->name, group, &out->from))
			return "neither a number nor a name that is known here, nor *, stands "
			       "on the left";
		if (!take_id(pair->value, group, &out->to))
			return "neither a number nor a name that is known here, nor *, stands "
			       "on the right";
		if (out->to == UNSET && out->from != UNSET)
			return "* on the right is for * on the left alone";
		for (size_t i = 0; i < *at; i++)
			if (pairs[i].from == out->from)
				return "this one was named before, by its number or name";
	}
	return NULL;
}

static const char *take_map(const struct migrate_map *map, bool group, struct posix_ids *ids,
			    size_t *at)
{
	*at = 0;
	ids->n = map->n;
	ids->pairs = map->n ? calloc(map->n, sizeof(*ids->pairs)) : NULL;
	if (map->n && !ids->pairs)
		return "out of memory";
	return take_pairs(map, group, ids->pairs, at);
}

static const char *check_policy(const struct posix_config *c, const char **option)
{
	bool any = c->users.n || c->groups.n;

	*option = "owner";
	if (c->owner == POSIX_OWNER_MAP && !any)
		return "map needs users or groups";
	*option = c->users.n ? "users" : "groups";
	if (c->owner != POSIX_OWNER_MAP && any)
		return "it is for `owner: map`";
	return NULL;
}

const char *posix_owners_take(const struct posix_config *c, struct posix_owners *o,
			      const char **option, size_t *at)
{
	const char *why = check_policy(c, option);

	*o = (struct posix_owners){ .policy = c->owner };
	*at = 0;
	if (why)
		return why;
	*option = "users";
	why = take_map(&c->users, false, &o->users, at);
	if (why)
		return why;
	*option = "groups";
	return take_map(&c->groups, true, &o->groups, at);
}

void posix_owners_release(struct posix_owners *o)
{
	free(o->users.pairs);
	free(o->groups.pairs);
	*o = (struct posix_owners){ .policy = o->policy };
}

/* What is named itself goes before "*". */
static uint32_t map_one(const struct posix_ids *ids, uint32_t id)
{
	uint32_t to = UNSET;

	for (size_t i = 0; i < ids->n; i++) {
		const struct posix_pair *p = &ids->pairs[i];

		if (p->from == id)
			return p->to;
		if (p->from == UNSET)
			to = p->to == UNSET ? id : p->to;
	}
	return to;
}

bool posix_map_owner(const struct posix *p, struct posix_finish *f)
{
	const struct posix_owners *o = &p->owners;

	if (!f->has_owner)
		return true;
	if (!p->privileged || o->policy == POSIX_OWNER_DROP) {
		f->has_owner = false;
		return false;
	}
	if (o->policy != POSIX_OWNER_MAP)
		return true;
	f->uid = map_one(&o->users, f->uid);
	f->gid = map_one(&o->groups, f->gid);
	f->has_owner = f->uid != UNSET || f->gid != UNSET;
	return f->uid != UNSET && f->gid != UNSET;
}
