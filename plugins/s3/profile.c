/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * The files that programs for AWS share: sections of "name = value". Each is read
 * once and whole, so that keys which are just being replaced are never mixed.
 */
#define FILE_MAX (1u << 20)

const char *s3_profile_name(const struct s3_config *c)
{
	const char *name = c->profile ? c->profile : getenv("AWS_PROFILE");

	return name && *name ? name : "default";
}

void s3_profile_path(enum s3_profile_file file, char *path, size_t n)
{
	bool config = file == S3_CONFIG_FILE;
	const char *set = getenv(config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE");
	const char *home = getenv("HOME");

	if (set && *set)
		snprintf(path, n, "%s", set);
	else
		snprintf(path, n, "%s/.aws/%s", home ? home : "",
			 config ? "config" : "credentials");
}

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, " \t");
	n = strlen(text);
	while (n && strchr(" \t\r\n", text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static char *unquote(char *text)
{
	size_t n = strlen(text);

	if (n < 2 || (text[0] != '"' && text[0] != '\'') || text[n - 1] != text[0])
		return text;
	text[n - 1] = '\0';
	return text + 1;
}

/* "[default]" in both files; "[profile NAME]" in one, "[NAME]" in the other. */
static bool is_section(char *line, const char *profile, bool config)
{
	char *end = strchr(line, ']');

	if (!end)
		return false;
	*end = '\0';
	line = trim(line + 1);
	if (config && !strncmp(line, "profile", 7) && (line[7] == ' ' || line[7] == '\t'))
		return !strcmp(unquote(trim(line + 7)), profile);
	return !strcmp(unquote(line), profile) && (!config || !strcmp(profile, "default"));
}

static void take_setting(struct text *to, char *line)
{
	char *equals = strchr(line, '=');

	if (!equals)
		return;
	*equals = '\0';
	line = trim(line);
	text_add(to, line, strlen(line) + 1);
	line = trim(equals + 1);
	text_add(to, line, strlen(line) + 1);
}

/* Lines that begin with a blank belong to the setting above them: no setting of ours has any. */
static void take_section(struct s3_profile *p, enum s3_profile_file file, char *text)
{
	bool inside = false;

	while (text && *text) {
		char *next = strchr(text, '\n'), *line;
		bool nested = *text == ' ' || *text == '\t';

		if (next)
			*next++ = '\0';
		line = trim(text);
		if (*line == '[') {
			inside = is_section(line, p->name, file == S3_CONFIG_FILE);
			p->found |= inside;
		} else if (inside && !nested && *line != '#' && *line != ';') {
			take_setting(&p->settings[file], line);
		}
		text = next;
	}
}

void s3_profile_load(struct s3_profile *p, const char *name)
{
	char path[4096];

	*p = (struct s3_profile){ .name = name };
	for (enum s3_profile_file i = 0; i < S3_PROFILE_FILES; i++) {
		struct text text = { .p = NULL };
		bool whole;

		s3_profile_path(i, path, sizeof(path));
		whole = s3_read_file(path, FILE_MAX, &text);

		p->odd[i] = whole ? strlen(text_get(&text)) != text.n : errno == EFBIG;
		if (whole && text.n && !p->odd[i])
			take_section(p, i, text.p);
		text_wipe(&text);
	}
}

void s3_profile_release(struct s3_profile *p)
{
	for (size_t i = 0; i < S3_PROFILE_FILES; i++)
		text_wipe(&p->settings[i]);
}

/* The last of that name counts. */
const char *s3_profile_value_in(const struct s3_profile *p, enum s3_profile_file file,
				const char *name)
{
	const char *at = text_get(&p->settings[file]), *end = at + p->settings[file].n;
	const char *value = NULL;

	while (at < end) {
		const char *v = at + strlen(at) + 1;

		if (!strcasecmp(at, name))
			value = *v ? v : NULL;
		at = v + strlen(v) + 1;
	}
	return value;
}

const char *s3_profile_value(const struct s3_profile *p, const char *name)
{
	const char *value = s3_profile_value_in(p, S3_CREDENTIALS_FILE, name);

	return value ? value : s3_profile_value_in(p, S3_CONFIG_FILE, name);
}
