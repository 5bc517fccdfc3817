/* SPDX-License-Identifier: MIT */
#include "cmd/command.h"

#include "base/log.h"
#include "base/nearest.h"
#include "cmd/print.h"
#include "job/schema/schema.h"
#include "job/schema/secret.h"
#include "plugin/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELP_COLUMN 28
#define FLAGS_MAX 64

/* Memory of repeated flags: lives as long as the program. */
struct kept {
	struct kept *next;
	const char *items[];
};
static struct kept *kept;

/* ---- What was typed wrongly ---- */

static int wrong_usage(const struct command *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int wrong_usage(const struct command *c, const char *format, ...)
{
	struct error err = ERROR_INIT;
	va_list ap;

	va_start(ap, format);
	error_vset(&err, EXIT_USAGE, format, ap);
	va_end(ap);
	command_fail(c, &err);
	fprintf(stderr, "usage: %s %s (see %s --help)\n", c->name, c->usage, c->name);
	return EXIT_USAGE;
}

static int unknown_flag(const struct command *c, const char *typed, const char *name)
{
	const char *names[FLAGS_MAX], *near;
	size_t n = 0;

	for (size_t i = 0; i < c->flag_count && n < FLAGS_MAX - 2; i++)
		names[n++] = c->flags[i].name;
	names[n++] = "help";
	names[n++] = "version";
	near = nearest_name(name, names, n);
	if (near)
		return wrong_usage(c, "unknown option '%s' (did you mean '--%s'?)", typed, near);
	return wrong_usage(c, "unknown option '%s'", typed);
}

/* ---- Help ---- */

static int print_flag(const struct flag *f)
{
	bool choice = f->kind == FLAG_CHOICE;

	if (f->kind == FLAG_BOOL)
		return printf("  --%s", f->name);
	if (f->kind == FLAG_OPTIONAL)
		return printf("  --%s[=%s]", f->name, f->argument);
	return printf("  --%s%s%s", f->name, choice ? "=" : " ", f->argument);
}

static void print_help_of(const struct flag *f)
{
	int column = print_flag(f);

	if (column > HELP_COLUMN - 2) {
		putchar('\n');
		column = 0;
	}
	printf("%*s%s\n", HELP_COLUMN - column, "", f->help);
}

static int print_help(const struct command *c)
{
	static const struct flag common[] = {
		{ .name = "help", .kind = FLAG_BOOL, .help = "show this text" },
		{ .name = "version", .kind = FLAG_BOOL, .help = "show the version" },
	};

	printf("usage: %s %s\n\n%s\n\n", c->name, c->usage, c->summary);
	for (size_t i = 0; i < c->flag_count; i++)
		print_help_of(&c->flags[i]);
	print_help_of(&common[0]);
	print_help_of(&common[1]);
	printf("\nexamples and exit statuses: man %s\n", c->name);
	return command_end(EXIT_DONE);
}

static int print_version(const struct command *c)
{
	printf("%s %s\n", c->name, MIGRATE_VERSION);
	return command_end(EXIT_DONE);
}

/* ---- Values ---- */

static int set_choice(const struct command *c, const struct flag *f, const char *text)
{
	const char *p = f->argument;
	size_t n = strlen(text);

	for (int i = 0; p && *p; i++) {
		size_t len = strcspn(p, "|");

		if (len == n && !strncmp(p, text, n)) {
			*(int *)f->value = i;
			return -1;
		}
		p += len + (p[len] == '|');
	}
	return wrong_usage(c, "--%s: '%s' is not one of %s", f->name, text, f->argument);
}

static int set_count(const struct command *c, const struct flag *f, const char *text)
{
	int64_t n;

	if (!schema_parse_integer(text, &n) || n < 1)
		return wrong_usage(c, "--%s: '%s' is not a number of 1 or more", f->name, text);
	*(int64_t *)f->value = n;
	return -1;
}

/* At most argc values of one flag are typed, so its list is made once. */
static int add_flag_text(const struct command *c, const struct flag *f, const char *text, int argc)
{
	struct flag_texts *t = f->value;

	if (!t->items) {
		struct kept *k = calloc(1, sizeof(*k) + ((size_t)argc + 1) * sizeof(*k->items));

		if (!k)
			return wrong_usage(c, "out of memory");
		k->next = kept;
		kept = k;
		t->items = k->items;
	}
	t->items[t->n++] = text;
	return -1;
}

static int set_flag_value(const struct command *c, const struct flag *f, const char *text, int argc)
{
	switch (f->kind) {
	case FLAG_BOOL:
		*(bool *)f->value = true;
		return -1;
	case FLAG_TEXT:
	case FLAG_OPTIONAL:
		*(const char **)f->value = text ? text : "";
		return -1;
	case FLAG_TEXTS:
		return add_flag_text(c, f, text, argc);
	case FLAG_COUNT:
		return set_count(c, f, text);
	case FLAG_CHOICE:
		return set_choice(c, f, text);
	}
	BUG("flag --%s of kind %d", f->name, (int)f->kind);
}

/* ---- Parsing ---- */

struct parser {
	const struct command *c;
	int argc, at;
	char **argv;
};

static const struct flag *find_flag(const struct command *c, const char *name, size_t n)
{
	for (size_t i = 0; i < c->flag_count; i++)
		if (strlen(c->flags[i].name) == n && !strncmp(c->flags[i].name, name, n))
			return &c->flags[i];
	return NULL;
}

/* One "--name", "--name=value" or "--name value" at p->at; leaves p->at on its last word. */
static int parse_flag(struct parser *p)
{
	const char *typed = p->argv[p->at], *name = typed + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const struct flag *f = find_flag(p->c, name, n);
	const char *value = equals ? equals + 1 : NULL;

	if (!f) {
		char text[64];

		snprintf(text, sizeof(text), "%.*s", n < sizeof(text) ? (int)n : 63, name);
		return unknown_flag(p->c, typed, text);
	}
	if (value && f->kind == FLAG_BOOL)
		return wrong_usage(p->c, "--%s takes no value", f->name);
	if (!value && f->kind != FLAG_BOOL && f->kind != FLAG_OPTIONAL) {
		if (p->at + 1 >= p->argc)
			return wrong_usage(p->c, "--%s needs a value (%s)", f->name, f->argument);
		value = p->argv[++p->at];
	}
	return set_flag_value(p->c, f, value, p->argc);
}

static int parse_word(struct parser *p)
{
	const char *word = p->argv[p->at];

	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return print_help(p->c);
	if (!strcmp(word, "--version"))
		return print_version(p->c);
	if (strncmp(word, "--", 2) != 0)
		return unknown_flag(p->c, word, word + 1);
	return parse_flag(p);
}

static int check_operands(const struct command *c, int n, char **operands)
{
	if (n < c->operands_min)
		return wrong_usage(c, n ? "too few operands" : "nothing to work on was given");
	if (n > c->operands_max)
		return wrong_usage(c, "unexpected operand '%s'", operands[c->operands_max]);
	return -1;
}

/*
 * Descriptors 0 to 2 are never free, else the journal might become "standard
 * output"; a reader that went away is an error to handle, not a signal.
 */
static void prepare_process(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	signal(SIGPIPE, SIG_IGN);
	log_set_mask(secrets_mask);
}

int command_parse(const struct command *c, int argc, char **argv, char ***operands)
{
	struct parser p = { .c = c, .argc = argc, .at = 1, .argv = argv };
	bool flags = true;
	int n = 0, status;

	prepare_process();
	for (; p.at < argc; p.at++) {
		char *word = argv[p.at];

		if (flags && !strcmp(word, "--")) {
			flags = false;
		} else if (flags && word[0] == '-' && word[1]) {
			status = parse_word(&p);
			if (status >= 0)
				return status;
		} else {
			argv[n++] = word;
		}
	}
	argv[n] = NULL;
	*operands = argv;
	return check_operands(c, n, argv);
}

/* ---- Leaving ---- */

static void (*on_first)(void);
static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	if (signals++)
		_exit(EXIT_INTERRUPTED);
	on_first();
}

void command_on_signal(void (*first)(void))
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction a = { .sa_handler = first ? on_signal : SIG_DFL };

	if (first)
		on_first = first;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &a, NULL);
}

int command_fail(const struct command *c, const struct error *err)
{
	struct error shown = *err;
	const char *line = shown.text;

	log_blank(shown.text, strlen(shown.text));
	fflush(stdout);
	while (*line) {
		size_t n = strcspn(line, "\n");

		fprintf(stderr, "%s: %.*s\n", c->name, (int)n, line);
		line += n + (line[n] == '\n');
	}
	return err->exit ? err->exit : EXIT_INTERNAL;
}

static bool reader_went_away(int errnum)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return errnum == EPIPE || (poll(&fd, 1, 0) == 1 && fd.revents & (POLLERR | POLLHUP));
}

int command_end(int status)
{
	int errnum = 0;

	if (fflush(stdout))
		errnum = errno;
	else if (ferror(stdout))
		errnum = EIO;
	if (!errnum && print_lost()) {
		fprintf(stderr, "out of memory: what was printed is not whole\n");
		return EXIT_INTERNAL;
	}
	if (!errnum || reader_went_away(errnum))
		return status;
	fprintf(stderr, "cannot write to standard output: %s\n", strerrordesc_np(errnum));
	return EXIT_INTERNAL;
}

const struct migrate_plugin *command_find_plugin(void *arg, enum migrate_kind kind,
						 const char *name, struct error *err)
{
	(void)arg;
	return plugin_find(kind, name, err);
}
