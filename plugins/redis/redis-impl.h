/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_REDIS_IMPL_H
#define MIGRATE_REDIS_IMPL_H

#include <migrate/plugin.h>

#include "../common/bytes.h"
#include "../common/clock.h"
#include "../common/text.h"

/* its own headers convert freely */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <hiredis.h>
#pragma GCC diagnostic pop
#include <openssl/ssl.h>

/*
 * Invariants. An instance is what the options say, and never changes after open().
 * A session (struct self) owns one connection, made by the first call that needs
 * it; between two calls nothing is under way on it: every command that was sent has
 * been answered, or the connection is closed. hiredis writes commands and reads
 * answers; the bytes travel here, so that nothing waits but in migrate_wait().
 *
 * Everything invalidate() does may be done twice.
 */
#define PIPELINE_MAX 512      /* commands on their way at once */
#define PIPELINE_BYTES 262144 /* and bytes of them */
#define KEYS_MAX 256          /* keys in one UNLINK */
#define NAME_BYTES_MAX (1u << 20)
#define ANSWER_MAX (1u << 20) /* bytes of one answer: INFO server has some thousand */
#define SLOWEST 10            /* deadlines in which commands on their way are all answered */

struct redis_config {
	const char *url, *socket, *user;
	const struct migrate_secret *password;
	int64_t database;
	const char *tls_ca, *tls_certificate, *tls_key;
	struct migrate_strings invalidate, rewrite;
	struct migrate_map publish;
};

/* ---- address.c: where the server is ---- */

struct address {
	char *host, *port, *socket; /* host and port, or socket */
	char *user, *password;      /* NULL: none; the password is wiped */
	int64_t database;
	bool tls;
};

/* False: *option is wrong, and why says how. */
bool address_take(const struct redis_config *config, struct address *a, const char **option,
		  char *why, size_t size);
void address_release(struct address *a);

/* ---- template.c: names with placeholders ---- */

enum part_kind {
	PART_TEXT,
	PART_ROW, /* the column `text` of the row's key */
	PART_OLD,
	PART_NEW,
	PART_OLD_VALUE,
	PART_NEW_VALUE
};

struct part {
	enum part_kind kind;
	char *text;
	size_t n;
};

struct template
{
	const char *source; /* as the job file has it */
	struct part *parts;
	size_t count;
};

/* source[0..n); false: it is none, and why says how. */
bool template_parse(struct template *t, const char *source, size_t n, char *why, size_t size);
void template_release(struct template *t);
bool template_is_fixed(const struct template *t);

enum expanded { EXPANDED, EXPANDED_NOT, EXPANDED_TOO_LONG };
/* Append; NOT: the row's key has no such column (*missing), nothing was added. */
enum expanded template_expand(const struct template *t, const struct migrate_changed_row *row,
			      struct text *out, const char **missing);

/* ---- What a job wants done ---- */

enum action_kind {
	ACTION_STRING, /* rewrite the string at key */
	ACTION_HASH,   /* rewrite the field of the hash at key */
	ACTION_UNLINK,
	ACTION_PUBLISH /* key: the channel, field: the message */
};

struct action {
	enum action_kind kind;
	struct template key, field;
};

struct instance {
	struct address address;
	SSL_CTX *tls; /* NULL: no TLS */
	char sha[41]; /* of the script */
	bool writes;
	struct action *actions; /* in the order in which they are done */
	size_t count;
};

/* plan.c: options to actions. False: element `at` of *option is wrong. */
bool actions_take(const struct redis_config *config, struct instance *inst, const char **option,
		  size_t *at, char *why, size_t size);
void actions_release(struct instance *inst);

/* ---- Sessions ---- */

enum asked {
	ASKED_OK,
	ASKED_PONG,
	ASKED_TEXT,
	ASKED_NUMBER,
	ASKED_ANYTHING, /* whatever the answer is, it is well */
	ASKED_KEYS,     /* UNLINK: DEL where there is none */
	ASKED_SCRIPT,
	ASKED_TRIAL,    /* in a MULTI that is discarded */
	ASKED_TRIAL_LAX /* the same, with a name that access rules need not cover */
};

struct self {
	const struct instance *instance;
	struct migrate_session *session; /* of the call under way */

	int fd; /* -1: none */
	SSL *ssl;
	redisReader *reader;
	redisReplyObjectFunctions functions; /* of the reader, which makes no lists */
	bool listed;                         /* but was to */
	bool greeted;                        /* logged in */
	short wants;                         /* what TLS waits for beside what we do */

	struct text out; /* commands */
	size_t sent;
	unsigned char asked[PIPELINE_MAX];
	size_t asked_count, answered;
	enum migrate_status status; /* the first trouble among the answers */

	bool no_unlink;      /* an old server: DEL */
	bool script_missing; /* the script must be loaded, and what needs it repeated */
	bool unlink_missing;
	redisReply *kept; /* the last answer, if it was asked for */
	bool keep;

	struct text name, other; /* what templates became */
	size_t lengths[KEYS_MAX];
};

/* wire.c: bytes to and fro. < 0: failed, with a message; 0: not now. */
enum migrate_status wire_open(struct self *self);
void wire_close(struct self *self);
ptrdiff_t wire_write(struct self *self, const void *p, size_t n);
ptrdiff_t wire_read(struct self *self, void *p, size_t n);
/* It is certain that the server has left. */
bool wire_is_dead(struct self *self);

/* reader.c: answers out of bytes, none of which is large. False: out of memory. */
bool reader_open(struct self *self);
/* The next answer that has come whole; *reply NULL: there is none yet. */
enum migrate_status reader_next(struct self *self, redisReply **reply);
/* Bytes of an answer that has not come whole. */
size_t reader_holds(const struct self *self);
enum migrate_status reader_feed(struct self *self, const void *p, size_t n);

/* tls.c */
enum migrate_status tls_prepare(struct migrate_session *session, const struct redis_config *config,
				struct instance *inst);
enum migrate_status tls_begin(struct self *self);

/* pipeline.c: commands that are sent together, and their answers. */
enum migrate_status out_of_memory(struct self *self);
enum migrate_status connection_ready(struct self *self);
/* Add a command; what is on its way is sent first when there is no room. */
enum migrate_status command_add(struct self *self, enum asked asked, int argc, const char **argv,
				const size_t *lengths);
/* The same for words without NULs, up to NULL. */
enum migrate_status command_words(struct self *self, enum asked asked, const char *const *words);
/* Send, and read all answers. The first trouble is the status. */
enum migrate_status pipeline_run(struct self *self);
/* One command alone; the answer is the caller's to free. NULL: *status says why. */
redisReply *command_ask(struct self *self, enum asked asked, const char *const *words,
			enum migrate_status *status);

/* answer.c: what an answer means; one that is not what was asked for is UNAVAILABLE. */
enum migrate_status answer_judge(struct self *self, const redisReply *reply, enum asked asked);

/* connect.c */
enum migrate_status connection_set_up(struct self *self);
/* Is this a server that we can work with? Once, at open(). */
enum migrate_status server_check(struct self *self);

/* script.c */
extern const char script_text[];
bool script_sha(char sha[41]);

/* invalidate.c, trial.c */
enum migrate_status redis_invalidate(void *self, struct migrate_invalidate *r);
enum migrate_status redis_preview(void *self, struct migrate_preview *r);
/* Would the server take what invalidate() sends? Nothing is changed. */
enum migrate_status trial_run(struct self *self);

#endif
