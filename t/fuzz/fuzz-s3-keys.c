/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as what keys come in: JSON of programs, agents and machines, a document of
 * STS, the files that programs share. Keys that are taken can stand in a header; printed
 * again they are read as the same. Trouble is said without what the answer held.
 */
#include "base/bytes.h"
#include "s3-fixture.h"

#include <sys/mman.h>
#include <unistd.h>

static bool is_sound(const char *text, size_t size)
{
	for (size_t i = 0; i < strlen(text); i++)
		if (text[i] <= ' ' || text[i] >= 0x7f)
			return false;
	return strlen(text) < size;
}

static void keys_are_sound(const struct s3_keys *k)
{
	ENSURE(k->access[0] && is_sound(k->access, sizeof(k->access)));
	ENSURE(k->secret[0] && is_sound(k->secret, sizeof(k->secret)));
	ENSURE(is_sound(k->token, sizeof(k->token)));
}

/* ---- JSON and XML ---- */

static void add_string(struct text *to, const char *name, const char *value)
{
	text_printf(to, "%s\"%s\": \"", to->n ? ", " : "{", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			text_char(to, '\\');
		text_char(to, *value);
	}
	text_char(to, '"');
}

static void same_keys(const struct s3_keys *a, const struct s3_keys *b)
{
	ENSURE(!strcmp(a->access, b->access) && !strcmp(a->secret, b->secret));
	ENSURE(!strcmp(a->token, b->token));
}

static enum migrate_status read_json(const void *bytes, size_t n, struct s3_keys *k)
{
	struct s3_fetch f = { .status = 200 };
	enum migrate_status status;

	*k = (struct s3_keys){ .expires = 0 };
	text_add(&f.answer, bytes, n);
	status = s3_fetch_keys(s3s, &f, "the agent", k);
	text_release(&f.answer);
	said_well(status);
	return status;
}

static void try_json(struct migrate_bytes in)
{
	struct text json = { .p = NULL };
	static struct s3_keys k, again;
	char code[8];

	memset(code, 'x', sizeof(code));
	if (in.n)
		s3_json_string(in.p, in.n, "Code", code, sizeof(code));
	ENSURE(!in.n || memchr(code, '\0', sizeof(code)));
	if (read_json(in.p, in.n, &k) != MIGRATE_OK)
		return;
	keys_are_sound(&k);
	add_string(&json, "AccessKeyId", k.access);
	add_string(&json, "SecretAccessKey", k.secret);
	add_string(&json, "Token", k.token);
	text_char(&json, '}');
	ENSURE(read_json(json.p, json.n, &again) == MIGRATE_OK);
	same_keys(&k, &again);
	text_release(&json);
}

static enum migrate_status read_sts(const void *bytes, size_t n, long http, struct s3_keys *k)
{
	struct s3_fetch f = { .status = http };
	enum migrate_status status;

	*k = (struct s3_keys){ .expires = 0 };
	text_add(&f.answer, bytes, n);
	status = s3_sts_keys(s3s, &f, "taking the role", k);
	text_release(&f.answer);
	said_well(status);
	return status;
}

static void add_element(struct text *to, const char *name, const char *value)
{
	text_printf(to, "<%s>", name);
	s3_xml_escape(to, value, strlen(value));
	text_printf(to, "</%s>", name);
}

static void try_sts(struct migrate_bytes in)
{
	struct text xml = { .p = NULL };
	static struct s3_keys k, again;

	ENSURE(read_sts(in.p, in.n, 403, &k) == MIGRATE_UNAVAILABLE);
	if (read_sts(in.p, in.n, 200, &k) != MIGRATE_OK)
		return;
	keys_are_sound(&k);
	text_str(&xml, "<R><AssumeRoleResult><Credentials>");
	add_element(&xml, "AccessKeyId", k.access);
	add_element(&xml, "SecretAccessKey", k.secret);
	add_element(&xml, "SessionToken", k.token);
	text_str(&xml, "</Credentials></AssumeRoleResult></R>");
	ENSURE(read_sts(xml.p, xml.n, 200, &again) == MIGRATE_OK);
	same_keys(&k, &again);
	text_release(&xml);
}

/* ---- Files ---- */

static void write_file(const void *bytes, size_t n)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("profiles", MFD_CLOEXEC);
		ENSURE(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
		setenv("AWS_CONFIG_FILE", path, 1);
	}
	ENSURE(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, n, 0) == (ssize_t)n);
}

static void print_settings(struct text *to, const struct text *settings)
{
	const char *p = text_get(settings), *end = p + settings->n;

	text_str(to, "[p]\n");
	while (p < end) {
		const char *value = p + strlen(p) + 1;

		ENSURE(!strpbrk(p, "\n=") && !strchr(value, '\n'));
		text_str(to, p);
		text_char(to, '=');
		text_str(to, value);
		text_char(to, '\n');
		p = value + strlen(value) + 1;
	}
	ENSURE(p == end);
}

static void try_file(struct migrate_bytes in, const char *name)
{
	struct text printed = { .p = NULL };
	struct s3_profile p, again;
	const struct text *a, *b;

	write_file(in.p, in.n);
	s3_profile_load(&p, name);
	a = &p.settings[S3_CREDENTIALS_FILE];
	ENSURE(p.found || !a->n);
	ENSURE(a->n <= in.n + 2 && p.settings[S3_CONFIG_FILE].n <= in.n + 2);
	print_settings(&printed, a);
	write_file(printed.p, printed.n);
	s3_profile_load(&again, "p");
	b = &again.settings[S3_CREDENTIALS_FILE];
	ENSURE(again.found && bytes_equal(bytes_of(a->p, a->n), bytes_of(b->p, b->n)));
	s3_profile_release(&p);
	s3_profile_release(&again);
	text_release(&printed);
}

/* ---- Whom secrets are shown ---- */

static void try_url(struct migrate_bytes in)
{
	static const char *const near[] = { "127.", "169.254.", "localhost", "[" };
	char url[512], host[256];
	bool is_near = false;

	if (in.n >= sizeof(url))
		return;
	memcpy(url, in.p, in.n);
	url[in.n] = '\0';
	if (!s3_may_ask(url) || !strncasecmp(url, "https:", 6))
		return;
	s3_host_of(url, host, sizeof(host));
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		is_near |= !strncasecmp(host, near[i], strlen(near[i]));
	ENSURE(is_near);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct migrate_bytes in = bytes_of(n ? (const void *)bytes : "", n);

	set_up();
	try_json(in);
	try_sts(in);
	try_file(in, "default");
	try_file(in, "p");
	try_url(in);
	return 0;
}
