/* SPDX-License-Identifier: MIT */
#include "plugin/load.h"

#include <string.h>

#define CONFIG_MAX (1024 * 1024)

static const struct {
	size_t size, align;
} types[] = {
	[MIGRATE_TYPE_STRING] = { sizeof(char *), _Alignof(char *) },
	[MIGRATE_TYPE_SECRET] = { sizeof(void *), _Alignof(void *) },
	[MIGRATE_TYPE_INTEGER] = { sizeof(int64_t), _Alignof(int64_t) },
	[MIGRATE_TYPE_SIZE] = { sizeof(uint64_t), _Alignof(uint64_t) },
	[MIGRATE_TYPE_DURATION] = { sizeof(int64_t), _Alignof(int64_t) },
	[MIGRATE_TYPE_BOOLEAN] = { sizeof(bool), _Alignof(bool) },
	[MIGRATE_TYPE_CHOICE] = { sizeof(int), _Alignof(int) },
	[MIGRATE_TYPE_PATH] = { sizeof(char *), _Alignof(char *) },
	[MIGRATE_TYPE_URL] = { sizeof(char *), _Alignof(char *) },
	[MIGRATE_TYPE_LIST] = { sizeof(struct migrate_strings), _Alignof(struct migrate_strings) },
	[MIGRATE_TYPE_MAP] = { sizeof(struct migrate_map), _Alignof(struct migrate_map) },
};

static bool option_name_is_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n >= 1 && n <= 64 && !name[n] && strcmp(name, "plugin") != 0;
}

/* "one|two": none is empty. value must be one of them, if there is one. */
static bool choices_are_sound(const char *choices, const char *value)
{
	bool found = !value;
	size_t n;

	for (;; choices += n + 1) {
		n = strcspn(choices, "|");
		if (!n)
			return false;
		found |= value && strlen(value) == n && !strncmp(choices, value, n);
		if (!choices[n])
			return found;
	}
}

/* What is wrong with one option; NULL: nothing. */
static const char *complaint(const struct migrate_plugin *p, const struct migrate_option *o)
{
	size_t size, align;

	if (!o->type || o->type >= sizeof(types) / sizeof(types[0]))
		return "has a type that is none";
	size = types[o->type].size;
	align = types[o->type].align;
	if (o->offset > p->config_size || size > p->config_size - o->offset)
		return "lies outside the plugin's config struct";
	if (o->offset % align)
		return "is not aligned in the plugin's config struct";
	if (!o->help || !*o->help || strchr(o->help, '\n'))
		return "has no help of one line";
	if (o->klass > MIGRATE_IDENTITY)
		return "has a class that is none";
	if ((o->flags & MIGRATE_REQUIRED) && o->value)
		return "is required and yet has a default";
	if (o->min > o->max)
		return "has a minimum above its maximum";
	if (o->type == MIGRATE_TYPE_CHOICE &&
	    (!o->choices || !choices_are_sound(o->choices, o->value)))
		return "has choices or a default that cannot be";
	return NULL;
}

static bool overlap(const struct migrate_option *a, const struct migrate_option *b)
{
	return a->offset < b->offset + types[b->type].size &&
	       b->offset < a->offset + types[a->type].size;
}

static int check_others(const struct migrate_plugin *p, size_t i, struct error *err)
{
	const struct migrate_option *o = &p->options[i];

	for (size_t k = 0; k < i; k++) {
		if (!strcmp(p->options[k].name, o->name))
			return error_set(err, EXIT_USAGE, "it has two options named '%s'", o->name);
		if (overlap(&p->options[k], o))
			return error_set(err, EXIT_USAGE,
					 "its options '%s' and '%s' lie in the same field",
					 p->options[k].name, o->name);
	}
	return 0;
}

int check_options(const struct migrate_plugin *p, struct error *err)
{
	if (p->config_size > CONFIG_MAX)
		return error_set(err, EXIT_USAGE, "its config struct of %zu bytes is too large",
				 p->config_size);
	for (size_t i = 0; i < p->option_count; i++) {
		const struct migrate_option *o = &p->options[i];
		const char *why;

		if (!o->name || !option_name_is_valid(o->name))
			return error_set(
			    err, EXIT_USAGE,
			    "its option %zu has a name that cannot stand in a job file", i + 1);
		why = complaint(p, o);
		if (why)
			return error_set(err, EXIT_USAGE, "its option '%s' %s", o->name, why);
		if (check_others(p, i, err) < 0)
			return -1;
	}
	return 0;
}
