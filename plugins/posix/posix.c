/* SPDX-License-Identifier: MIT */
#include "posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

static const struct migrate_option options[] = {
	{ .name = "root",
	  MIGRATE_PATH(struct posix_config, root),
	  .flags = MIGRATE_REQUIRED,
	  .klass = MIGRATE_IDENTITY,
	  .help = "the folder whose files are the objects; a destination is created if the folder "
		  "above it exists" },
	{ .name = "fsync",
	  MIGRATE_CHOICE(struct posix_config, fsync, "auto|syncfs|files"),
	  .klass = MIGRATE_TUNABLE,
	  .value = "auto",
	  .help = "how a batch is made durable: one syncfs for the file system, or each file and "
		  "folder by itself; auto takes syncfs on ext4, xfs and btrfs" },
	{ .name = "owner",
	  MIGRATE_CHOICE(struct posix_config, owner, "auto|keep|map|drop"),
	  .klass = MIGRATE_TUNABLE,
	  .value = "auto",
	  .help =
	      "whose files become that root writes: keep, whoever the source names; map, by "
	      "users and groups; drop, root; auto keeps owners that a file system tells of, and "
	      "not those that the metadata of a store claims" },
	{ .name = "users",
	  MIGRATE_MAP(struct posix_config, users),
	  .klass = MIGRATE_TUNABLE,
	  .help = "with owner: map, the source's user and who it is here, as numbers or names of "
		  "this machine; * on the left is any other, {\"*\": \"*\"} leaves it as it is" },
	{ .name = "groups",
	  MIGRATE_MAP(struct posix_config, groups),
	  .klass = MIGRATE_TUNABLE,
	  .help = "the same for groups" },
};

static void posix_validate(struct migrate_validate *r)
{
	struct posix_owners owners;
	const char *option, *why;
	size_t at;

	why = posix_owners_take(r->config, &owners, &option, &at);
	if (why)
		migrate_wrong_option(r, option, at, "%s", why);
	posix_owners_release(&owners);
}

/* ---- Opening ---- */

/* Linux reports write errors through syncfs() from 5.8 on. */
static bool kernel_reports(void)
{
	unsigned int major, minor;
	struct utsname u;

	return !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 8));
}

static bool wants_syncfs(const struct posix *p, int choice)
{
	if (choice != POSIX_FSYNC_AUTO)
		return choice == POSIX_FSYNC_SYNCFS;
	return p->reports && kernel_reports();
}

/* Only /proc tells the umask without changing it. The usual one if there is no /proc. */
static mode_t read_umask(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned int mask = 022;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Umask: %o", &mask) == 1)
			break;
	if (f)
		fclose(f);
	return (mode_t)mask & 0777;
}

/* The new root's name is on the disk before anything in it is. */
static void sync_parent(int root)
{
	int parent = openat(root, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return;
	fsync(parent);
	close(parent);
}

#define ROOT_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static enum migrate_status make_root(struct migrate_open *r, struct posix *p)
{
	if (mkdir(p->path, 0777) && errno != EEXIST)
		return migrate_fail_errno(r->session, errno, "root: cannot create '%s'", p->path);
	p->root = open(p->path, ROOT_FLAGS);
	if (p->root >= 0)
		sync_parent(p->root);
	return MIGRATE_OK;
}

/* What a run would make: its parent stands in for it, and nothing is found in it. */
static enum migrate_status await_root(struct migrate_open *r, struct posix *p)
{
	size_t n = strlen(p->path);
	char *slash;

	while (n > 1 && p->path[n - 1] == '/')
		p->path[--n] = '\0';
	slash = strrchr(p->path, '/');
	p->absent = strdup(slash ? slash + 1 : p->path);
	if (!p->absent)
		return migrate_fail_errno(r->session, ENOMEM, "cannot open");
	if (!slash) {
		p->root = open(".", ROOT_FLAGS);
	} else {
		*slash = '\0';
		p->root = open(slash == p->path ? "/" : p->path, ROOT_FLAGS);
		*slash = '/';
	}
	if (p->root < 0 || faccessat(p->root, ".", W_OK | X_OK, AT_EACCESS))
		return migrate_fail_errno(r->session, errno, "root: cannot create '%s'", p->path);
	migrate_note(r->session, "there is no folder '%s' yet: a run makes it", p->path);
	return MIGRATE_OK;
}

static enum migrate_status open_root(struct migrate_open *r, struct posix *p)
{
	enum migrate_status status = MIGRATE_OK;
	struct stat st;

	p->dry = r->dry;
	p->root = open(p->path, ROOT_FLAGS);
	if (p->root < 0 && errno == ENOENT && r->writes)
		status = r->dry ? await_root(r, p) : make_root(r, p);
	if (status)
		return status;
	if (p->root < 0 && errno == ENOENT)
		return migrate_fail(r->session, MIGRATE_NOT_FOUND,
				    "root: there is no folder '%s': create it, or mount it",
				    p->path);
	if (p->root < 0 || fstat(p->root, &st))
		return migrate_fail_errno(r->session, errno, "root: cannot open '%s'", p->path);
	p->dev = st.st_dev;
	p->ino = p->absent ? 0 : st.st_ino;
	return MIGRATE_OK;
}

static void learn_limits(struct posix *p, const struct posix_config *c)
{
	long name_max = fpathconf(p->root, _PC_NAME_MAX);

	p->name_max = name_max > 0 && name_max < NAME_MAX ? (size_t)name_max : NAME_MAX;
	p->limits = (struct posix_limits){ .names = 100000, .text = 8 << 20, .held = 16 << 20 };
	p->privileged = !geteuid();
	p->umask = read_umask();
	posix_learn_kind(p);
	p->by_syncfs = wants_syncfs(p, c->fsync);
}

static void posix_close(void *instance)
{
	struct posix *p = instance;

	if (p->root >= 0)
		close(p->root);
	posix_sync_release(p);
	posix_owners_release(&p->owners);
	free(p->absent);
	free(p->path);
	free(p);
}

static enum migrate_status posix_open(struct migrate_open *r)
{
	const struct posix_config *c = r->config;
	struct posix *p = calloc(1, sizeof(*p));
	const char *option, *why;
	enum migrate_status status;
	size_t at;

	if (!p)
		return migrate_fail_errno(r->session, ENOMEM, "cannot open");
	p->root = -1;
	p->path = strdup(c->root);
	why = posix_owners_take(c, &p->owners, &option, &at);
	if (!p->path || !posix_sync_init(p))
		status = migrate_fail_errno(r->session, ENOMEM, "cannot open");
	else if (why)
		status = migrate_fail(r->session, MIGRATE_INVALID, "%s: %s", option, why);
	else
		status = open_root(r, p);
	if (status) {
		posix_close(p);
		return status;
	}
	learn_limits(p, c);
	r->instance = p;
	return MIGRATE_OK;
}

/* ---- Sessions ---- */

static void posix_end(void *self)
{
	struct posix_session *s = self;

	posix_forget_folder(s);
	posix_walk_free(s->walk);
	posix_swept_free(s->swept);
	free(s->folder);
	free(s->buffer);
	free(s);
}

static enum migrate_status posix_begin(struct migrate_begin *r)
{
	struct posix_session *s = calloc(1, sizeof(*s));

	if (!s)
		return migrate_fail_errno(r->session, ENOMEM, "cannot begin");
	s->store = r->instance;
	s->folder_fd = -1;
	memcpy(s->job, migrate_job_id(r->session), sizeof(s->job) - 1);
	if (getrandom(&s->seed, sizeof(s->seed), 0) != (ssize_t)sizeof(s->seed))
		s->seed = (uint64_t)(uintptr_t)s ^ (uint64_t)getpid();
	s->buffer = malloc(POSIX_BUFFER);
	if (!s->buffer) {
		posix_end(s);
		return migrate_fail_errno(r->session, ENOMEM, "cannot begin");
	}
	r->self = s;
	return MIGRATE_OK;
}

static enum migrate_status posix_describe(void *self, struct migrate_describe *r)
{
	struct posix_session *s = self;

	r->flags = MIGRATE_ORDERED | MIGRATE_DURABLE_CURSOR | MIGRATE_CREATE_ONLY |
		   MIGRATE_REPLACE_MATCH | MIGRATE_GET_MATCH | MIGRATE_RANGES | MIGRATE_VERBATIM |
		   MIGRATE_REAL_FOLDERS | MIGRATE_REAL_OWNERS | MIGRATE_ETAG_OF_ALL |
		   (s->store->by_syncfs ? MIGRATE_SYNC_ALL : 0);
	if (s->store->owners.policy == POSIX_OWNER_AUTO)
		r->flags |= MIGRATE_DOUBTS_OWNERS;
	r->object_max = r->put_max = INT64_MAX;
	r->copy_max = INT64_MAX;
	r->part_min = 1;
	r->part_max = INT64_MAX;
	r->parts_max = POSIX_PARTS_MAX;
	r->key_max = MIGRATE_KEY_MAX;
	r->mtime_resolution = 1;
	posix_keeps(s->store, r);
	return MIGRATE_OK;
}

static enum migrate_status posix_accepts(void *self, struct migrate_accepts *r)
{
	struct posix_session *s = self;

	return posix_check_key(s->store, r->session, r->key);
}

/* ---- The plugin ---- */

static const struct migrate_store_ops ops = {
	.size = sizeof(ops),
	.open = posix_open,
	.close = posix_close,
	.begin = posix_begin,
	.end = posix_end,
	.identity = posix_identity,
	.describe = posix_describe,
	.probe = posix_probe,
	.list = posix_list,
	.accepts = posix_accepts,
	.stat = posix_stat,
	.get = posix_get,
	.put = posix_put,
	.can_copy = posix_can_copy,
	.copy = posix_copy,
	.upload = posix_upload,
	.part = posix_part,
	.copy_part = posix_copy_part,
	.parts = posix_parts,
	.uploads = posix_uploads,
	.complete = posix_complete,
	.abort = posix_abort,
	.remove = posix_remove,
	.sync = posix_sync_all,
	.sweep = posix_sweep,
};

static const struct migrate_plugin plugin = {
	MIGRATE_PLUGIN_HEAD,
	.kind = MIGRATE_STORE,
	.name = "posix",
	.version = "1",
	.summary = "files below a folder of this machine",
	.options = options,
	.option_count = sizeof(options) / sizeof(options[0]),
	.config_size = sizeof(struct posix_config),
	.store = &ops,
	.validate = posix_validate,
};

const struct migrate_plugin *migrate_plugin_v1(void)
{
	return &plugin;
}
