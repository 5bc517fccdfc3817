/* SPDX-License-Identifier: MIT */
#include "job/schema/schema-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Secrets, where they may come from, and options that name places. */
#define SECRET_FILE_MAX ((size_t)64 << 10)

/*
 * A secret may stand in the environment or in a file that only its owner reads;
 * not on a command line, which every user of the machine can see.
 */
static bool may_hold_secret(struct fill *f, const struct migrate_option *o,
			    const struct yaml_node *node, const char *what)
{
	const char *file = o->type == MIGRATE_TYPE_SECRET ? "_file" : "";

	if (node->line == YAML_LINE_SET)
		problems_add(
		    f->problems, node->line, node->column,
		    "'%s' %s a secret: it cannot come from the command line, others see it",
		    o->name, what);
	else if (node->from_environment || f->problems->private_file)
		return true;
	else
		problems_add(
		    f->problems, node->line, node->column,
		    "'%s' %s a secret, but others may read this file: use ${VARIABLE}%s%s%s, "
		    "or chmod 600",
		    o->name, what, *file ? " or " : "", *file ? o->name : "", file);
	return false;
}

static void store_secret(struct fill *f, const struct migrate_option *o,
			 const struct yaml_node *node, const char *bytes, size_t n)
{
	struct migrate_secret *s;

	if (!n) {
		problems_add(f->problems, node->line, node->column, "'%s' is empty", node->name);
		return;
	}
	s = secret_new(bytes, n);
	if (!s)
		problems_add(f->problems, 0, 0, "out of memory");
	fill_field(f, o, &s, sizeof(s));
}

void fill_secret(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	if (may_hold_secret(f, o, node, "is"))
		store_secret(f, o, node, node->text, strlen(node->text));
}

/* NULL: it may be read; else what is wrong with it. */
static const char *refuse_file(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return "can be read by others: chmod 600";
	if (st->st_size > (off_t)SECRET_FILE_MAX)
		return "is larger than 64 KiB: that is no secret";
	return NULL;
}

/* Up to size bytes of fd. -1: errno says why. */
static ssize_t read_up_to(int fd, char *p, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t done = read(fd, p + n, size - n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		if (!done)
			break;
		n += (size_t)done;
	}
	return (ssize_t)n;
}

static void secret_from(struct fill *f, const struct migrate_option *o,
			const struct yaml_node *node, int fd)
{
	char bytes[SECRET_FILE_MAX];
	ssize_t n = read_up_to(fd, bytes, sizeof(bytes));

	if (n < 0)
		problems_add(f->problems, node->line, node->column, "cannot read '%s': %s",
			     node->text, strerrordesc_np(errno));
	else if (memchr(bytes, 0, (size_t)n))
		problems_add(f->problems, node->line, node->column,
			     "'%s' holds a NUL: that is no secret", node->text);
	else
		store_secret(f, o, node, bytes,
			     n && bytes[n - 1] == '\n' ? (size_t)n - 1 : (size_t)n);
	explicit_bzero(bytes, sizeof(bytes));
}

void fill_secret_file(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	const char *path = NULL, *why;
	struct stat st;
	int fd;

	if (node->kind == YAML_SCALAR)
		path = absolute_path(f->arena, f->folder, node->text);
	if (!path) {
		problems_add(f->problems, node->line, node->column,
			     "'%s' must be the path of a file", node->name);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st)) {
		problems_add(f->problems, node->line, node->column, "%s: cannot open '%s': %s",
			     node->name, path, strerrordesc_np(errno));
	} else {
		why = refuse_file(&st);
		if (why)
			problems_add(f->problems, node->line, node->column, "%s: '%s' %s",
				     node->name, path, why);
		else
			secret_from(f, o, node, fd);
	}
	if (fd >= 0)
		close(fd);
}

/* One part of a path behind out, unless it is empty or ".". ".." stays: it may cross a link. */
static bool add_path_part(struct buf *out, const char *part, size_t n)
{
	if (!n || (n == 1 && *part == '.'))
		return true;
	return buf_add_text(out, "/") && buf_add(out, part, n);
}

static bool add_path(struct buf *out, const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		if (!add_path_part(out, path, n))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

char *absolute_path(struct arena *a, const char *folder, const char *path)
{
	BUF_AUTO struct buf b = BUF_INIT(65536);

	if (!*path || (*path != '/' && !add_path(&b, folder)) || !add_path(&b, path))
		return NULL;
	return b.len ? arena_copy(a, b.p, b.len) : arena_text(a, "/");
}

void fill_path(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	const char *path = absolute_path(f->arena, f->folder, node->text);

	if (!path)
		problems_add(f->problems, node->line, node->column, "'%s' must be a path, not '%s'",
			     o->name, node->text);
	else
		fill_field(f, o, &path, sizeof(path));
}

/* A URL with a password is a secret's text, so that it is wiped and masked as one. */
static const char *secret_url(struct fill *f, const struct migrate_option *o,
			      const struct yaml_node *node, const struct secret_part *parts,
			      size_t count)
{
	struct migrate_secret *s;

	if (!may_hold_secret(f, o, node, "holds"))
		return NULL;
	s = secret_new_parts(node->text, strlen(node->text), parts, count);
	if (!s)
		problems_add(f->problems, node->line, node->column,
			     "'%s' holds more passwords than can be kept secret", o->name);
	return s ? secret_text(s) : NULL;
}

void fill_url(struct fill *f, const struct migrate_option *o, const struct yaml_node *node)
{
	struct secret_part parts[SECRET_PARTS_MAX];
	size_t count;
	const char *url;

	if (!url_is_valid(node->text)) {
		/* The text is not repeated: it may hold a password. */
		problems_add(f->problems, node->line, node->column,
			     "'%s' must be a URL such as https://host:port/path", o->name);
		return;
	}
	count = url_secret_parts(node->text, parts);
	url = count ? secret_url(f, o, node, parts, count) : arena_text(f->arena, node->text);
	if (url)
		fill_field(f, o, &url, sizeof(url));
}
