/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_POSIX_H
#define MIGRATE_POSIX_H

#include <migrate/plugin.h>

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/*
 * A folder as a store: keys are paths below one root descriptor.
 *
 * Invariants. No path is ever resolved but from the root (or a folder reached
 * from it), and never through a symbolic link or into another mount. A file
 * appears under its key whole, with its attributes, or not at all. What an
 * instance learns while it works (struct posix_learnt) are atomics; all else in
 * it is constant after open, but for `sync`, which has its own lock. A session is
 * one thread's; its folder descriptor is the last one used, because sorted keys
 * share it.
 *
 * Identity: "posix fsid=HEX ino=NUMBER path=PATH". fsid is what statfs(2) calls
 * the file system (device or mount source where it has none), ino the root's
 * inode, PATH the root's place inside that file system (not where it happens to
 * be mounted), last and unescaped. Two roots are one place when the texts are
 * equal; one lies inside the other when fsid is equal and PATH begins with the
 * other's PATH and a slash.
 */
#define POSIX_BUFFER (256 * 1024)
#define POSIX_SMALL (128 * 1024) /* up to here one read and one write beat everything else */
#define POSIX_TEMP_MAX 96
#define POSIX_TEMP_PLAIN 43 /* bytes of the name of a temporary file that tells no inodes */
#define POSIX_PARTS_MAX 100000

struct posix_config {
	const char *root;
	int fsync; /* enum posix_fsync */
	int owner; /* enum posix_owner */
	struct migrate_map users, groups;
};

enum posix_fsync { POSIX_FSYNC_AUTO, POSIX_FSYNC_SYNCFS, POSIX_FSYNC_FILES };

enum posix_owner { POSIX_OWNER_AUTO, POSIX_OWNER_KEEP, POSIX_OWNER_MAP, POSIX_OWNER_DROP };

struct posix_owners {
	int policy; /* enum posix_owner */
	struct posix_ids {
		struct posix_pair *pairs;
		size_t n;
	} users, groups;
};

/* What does not work here, found out by trying; never forgotten. */
struct posix_learnt {
	atomic_bool no_openat2, no_tmpfile, no_empty_path, no_proc, no_exchange, no_noreplace;
};

#define POSIX_LEARNT(s_, what_)                                                                    \
	atomic_load_explicit(&(s_)->store->learnt.what_, memory_order_relaxed)
#define POSIX_LEARN(s_, what_)                                                                     \
	atomic_store_explicit(&(s_)->store->learnt.what_, true, memory_order_relaxed)

/* Memory of a listing; beyond that it goes to a file, or is read again. */
struct posix_limits {
	size_t names; /* of one folder, sorted in memory */
	size_t text;  /* bytes of them */
	size_t held;  /* bytes of all folders on the way to where the listing stands */
};

struct posix_dirty; /* folders whose new entries are not on the disk yet: sync.c */

struct posix_sync {
	pthread_mutex_t running; /* held for a whole sync */
	atomic_ulong started;    /* syncs that began */
	unsigned long good;      /* the last one that went well, by its number; under running */
	atomic_ulong failures;   /* syncs that failed */
	int error;               /* the last one's errno; under running */
	pthread_mutex_t lock;    /* of dirty */
	atomic_ulong epoch;      /* of dirty: goes up when a sync takes it */
	struct posix_dirty *dirty;
};

struct posix {
	char *path;
	bool dry;     /* nothing may be written */
	char *absent; /* dry only: there is no root yet, this is its name below `root` */
	int root;     /* opened before the first write, or syncfs() would miss errors */
	dev_t dev;
	ino_t ino;
	size_t name_max;
	mode_t umask;
	bool privileged; /* may give files away */
	bool remote;     /* somebody else's: attributes are asked for, not remembered */
	bool no_inode;   /* its inode numbers mean nothing */
	bool reports;    /* its syncfs() tells of lost writes */
	bool by_syncfs;  /* sync() is one syncfs(); else files are synced one by one */
	struct posix_owners owners;
	struct posix_limits limits;
	struct posix_learnt learnt;
	struct posix_sync sync;
};

struct posix_walk;  /* list.c */
struct posix_swept; /* publish.c: temporary files found in one folder */

struct posix_session {
	struct posix *store;
	char job[17]; /* the job's id: names have its first 8 digits */
	uint64_t seed;

	/* the folder last used: "" is the root. path.c */
	char *folder;
	size_t folder_n, folder_cap;
	int folder_fd; /* -1: none */
	int64_t folder_time;
	unsigned long folder_serial; /* another number whenever folder_fd was opened anew */
	unsigned long folder_epoch;  /* of the dirty list, when this folder was put there */
	bool folder_dirty;

	char name[NAME_MAX + 1]; /* last part of the key looked up last */
	bool no_clone, no_range; /* FICLONE, copy_file_range: not between these two ends */
	char *buffer;            /* POSIX_BUFFER bytes */
	struct posix_walk *walk;
	struct posix_swept *swept;
};

/* path.c */
int posix_openat(struct posix *p, int folder, const char *path, int flags);
int posix_open_path(struct posix *p, const char *path, size_t n, int flags);
enum migrate_status posix_check_key(struct posix *p, struct migrate_session *m,
				    struct migrate_bytes key);
/*
 * The folder of a key: *fd stays the session's; its name is then in s->name. With
 * create, missing folders are made.
 */
enum migrate_status posix_locate(struct posix_session *s, struct migrate_session *m,
				 struct migrate_bytes key, bool create, int *fd);
void posix_forget_folder(struct posix_session *s);
/* The remembered folder was removed meanwhile (and is forgotten now): look it up again. */
bool posix_folder_is_stale(struct posix_session *s);
/* What errnum means for an object that was looked up by its key. */
enum migrate_status posix_fail_lookup(struct posix_session *s, struct migrate_session *m,
				      int errnum, const char *what);
bool posix_root_gone(const struct posix *p);
int64_t posix_milliseconds(void); /* of a coarse clock that never goes back */

/* look.c: stat(2), never from a memory that may be seconds old */
void posix_learn_kind(struct posix *p);
void posix_from_statx(const struct posix *p, const struct statx *x, struct stat *st);
int posix_look(const struct posix *p, int fd, struct stat *st);
int posix_look_at(const struct posix *p, int folder, const char *name, struct stat *st);

/* names.c */
struct posix_name {
	const char *p;
	size_t n;  /* with the slash of a folder */
	char type; /* f file, d folder, l symbolic link, s special */
};

/* What of a folder is wanted: names after `after` (with it, if it is a folder on the way there). */
struct posix_filter {
	struct migrate_bytes after;
	bool strict; /* not even the folder that holds `after` */
	struct migrate_bytes prefix;
};

struct posix_names {
	char *text;
	size_t text_n, text_cap;
	uint32_t *order;
	size_t n, cap, at;
	size_t seen; /* entries of the folder, wanted or not; without temporary files of ours */
	struct migrate_sorter *sorter;
};

/* 0 or an errno. */
int posix_names_read(struct posix_names *names, struct posix_session *s, struct migrate_session *m,
		     int fd, const struct posix_filter *filter);
/* 1: *name is valid until the next call; 0: that was the last; -1: failed. */
int posix_names_next(struct posix_names *names, struct posix_name *name);
size_t posix_names_held(const struct posix_names *names);
void posix_names_release(struct posix_names *names);
/* ".migrate-", 8 digits of a job, "-", 16 of a key, ...: a temporary file of some job's. Shorter
 * than POSIX_TEMP_MAX. */
bool posix_is_temporary(const char *name, size_t n);

/* list.c */
enum migrate_status posix_list(void *self, struct migrate_list *r);
void posix_walk_free(struct posix_walk *w);

/* attributes.c */
bool posix_fill(struct migrate_object *o, const struct stat *st);
size_t posix_etag(const struct stat *st, char etag[static 72]);
bool posix_etag_is(const struct stat *st, struct migrate_bytes etag);
bool posix_same(const struct stat *a, const struct stat *b);
enum migrate_status posix_read_attributes(struct posix_session *s, struct migrate_session *m,
					  int fd, const struct stat *st,
					  struct migrate_attributes *attributes);
/* What a new file shall be: put together before it is published. */
struct posix_finish {
	bool has_mode, has_mtime, has_owner;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
};
void posix_parse_finish(const struct posix *p, const struct migrate_attributes *attributes,
			struct posix_finish *f);
enum migrate_status posix_store_attributes(struct posix_session *s, struct migrate_session *m,
					   int fd, const struct migrate_attributes *attributes,
					   uint32_t flags);
enum migrate_status posix_copy_attributes(struct posix_session *s, struct migrate_session *m,
					  int in, int out, uint32_t flags);
enum migrate_status posix_finish(struct posix_session *s, struct migrate_session *m, int fd,
				 const struct posix_finish *f, uint32_t flags);
void posix_keeps(struct posix *p, struct migrate_describe *r);
enum migrate_status posix_lost(struct migrate_session *m, const char *name, uint32_t flags);

/* owner.c */
/* NULL: well; else what is wrong with element *at of *option. Release it in either case. */
const char *posix_owners_take(const struct posix_config *c, struct posix_owners *o,
			      const char **option, size_t *at);
void posix_owners_release(struct posix_owners *o);
/* The owner that it gets here; -1: is left as it is. False: it is not, or not wholly, kept. */
bool posix_map_owner(const struct posix *p, struct posix_finish *f);

/* get.c */
enum migrate_status posix_stat(void *self, struct migrate_stat *r);
enum migrate_status posix_get(void *self, struct migrate_get *r);
/* A regular file for reading, and its stat; the caller closes *fd. */
enum migrate_status posix_open_object(struct posix_session *s, struct migrate_session *m,
				      struct migrate_bytes key, int *fd, struct stat *st);

/* publish.c: a file that is being made, and how it gets its name. */
struct posix_draft {
	int folder; /* where it will stand: the session's */
	int fd;
	int from;                  /* the folder of temp */
	char temp[POSIX_TEMP_MAX]; /* "": it has no name yet (O_TMPFILE) */
	unsigned long failures;    /* of sync, when it was begun */
};

struct posix_publish {
	struct migrate_session *session;
	struct migrate_bytes key;
	uint32_t precondition;
	struct migrate_bytes if_match;
};

enum migrate_status posix_draft_begin(struct posix_session *s, struct migrate_session *m,
				      struct migrate_bytes key, mode_t mode, struct posix_draft *d);
/* The same in a folder that is open already. 0 or an errno. */
int posix_draft_open(struct posix_session *s, int folder, struct migrate_bytes key, mode_t mode,
		     struct posix_draft *d);
/* Under the key's name (s->name); *st: what a later stat gives. */
enum migrate_status posix_draft_publish(struct posix_session *s, struct posix_draft *d,
					const struct posix_publish *r, struct stat *st);
/* A draft with a name was made for nobody else to read: it gets the mode that others get. */
void posix_draft_mode(const struct posix_session *s, const struct posix_draft *d,
		      struct posix_finish *f);
/* EXISTS before gigabytes are copied for nothing; publishing decides in the end. */
enum migrate_status posix_draft_early(struct posix_session *s, struct posix_draft *d,
				      const struct posix_publish *r, uint64_t size);
/* Closes it, and removes what was not published. */
void posix_draft_end(struct posix_draft *d);
/* A file that has no name gets one. 0 or an errno. */
int posix_link_unnamed(struct posix_session *s, int fd, int folder, const char *name);
/* What it means that the draft did not get its name. */
enum migrate_status posix_fail_name(struct posix_session *s, struct posix_draft *d,
				    struct migrate_session *m, int error);
uint64_t posix_hash(struct migrate_bytes key);
uint64_t posix_random(struct posix_session *s);
enum migrate_status posix_sweep(void *self, struct migrate_sweep *r);
void posix_swept_free(struct posix_swept *w);

/* replace.c */
/*
 * The draft takes the place of the file with that etag; what was replaced is then under
 * d->from and d->temp. UNSUPPORTED: two files cannot be exchanged here.
 */
enum migrate_status posix_replace_match(struct posix_session *s, struct posix_draft *d,
					const struct posix_publish *r);
/* Removes s->name in that folder, if it is the file of *st. */
enum migrate_status posix_remove_match(struct posix_session *s, struct migrate_session *m,
				       struct migrate_bytes key, int folder, const struct stat *st);
/* A file of somebody else's gets a name in the session's folder, which is told: CHANGED. */
enum migrate_status posix_keep(struct posix_session *s, struct migrate_session *m, int from,
			       const char *temp);
/* May what is found under the name of a temporary file of ours be removed? */
bool posix_is_disposable(const char *name, ino_t inode);

/* put.c */
enum migrate_status posix_put(void *self, struct migrate_put *r);
enum migrate_status posix_remove(void *self, struct migrate_remove *r);
enum migrate_status posix_write(struct migrate_session *m, int fd, const char *p, size_t n,
				uint64_t offset);
/* size bytes of body to fd, from offset on; MISMATCH when it has more or fewer. */
enum migrate_status posix_write_body(struct migrate_session *m, struct migrate_body *body, int fd,
				     uint64_t offset, uint64_t size);

/* copy.c */
enum migrate_status posix_can_copy(void *self, struct migrate_can_copy *r);
enum migrate_status posix_copy(void *self, struct migrate_copy *r);
struct posix_range {
	int in, out;
	uint64_t from, to, length;
};
enum migrate_status posix_copy_range(struct posix_session *s, struct migrate_session *m,
				     struct posix_range range);
/* The same where from = to, in a file of its final size: holes stay holes. */
enum migrate_status posix_copy_sparse(struct posix_session *s, struct migrate_session *m,
				      struct posix_range range);

/* parts.c */
enum migrate_status posix_upload(void *self, struct migrate_upload *r);
enum migrate_status posix_part(void *self, struct migrate_part *r);
enum migrate_status posix_copy_part(void *self, struct migrate_part *r);
enum migrate_status posix_parts(void *self, struct migrate_parts *r);
enum migrate_status posix_uploads(void *self, struct migrate_uploads *r);
enum migrate_status posix_complete(void *self, struct migrate_complete *r);
enum migrate_status posix_abort(void *self, struct migrate_abort *r);
bool posix_is_upload_folder(const char *name, size_t n);

/* sync.c */
bool posix_sync_init(struct posix *p);
void posix_sync_release(struct posix *p);
/* Before a file is published: it is on the disk, unless one syncfs() will see to it. */
/* Somebody else's file, held to be good: it and its name are durable after the next sync. */
enum migrate_status posix_sync_found(struct posix_session *s, struct migrate_session *m, int fd);
enum migrate_status posix_sync_file(struct posix_session *s, struct migrate_session *m, int fd);
/* The session's present folder has a new entry. */
enum migrate_status posix_sync_entry(struct posix_session *s, struct migrate_session *m);
/* The same for any folder, by its key without the last slash. */
bool posix_sync_folder(struct posix *p, const char *folder, size_t n);
enum migrate_status posix_sync_all(void *self, struct migrate_sync *r);

/* identity.c */
enum migrate_status posix_identity(void *self, struct migrate_identity *r);
enum migrate_status posix_probe(void *self, struct migrate_probe *r);

#endif
