/* SPDX-License-Identifier: MIT */
#ifndef S3_CREDENTIALS_H
#define S3_CREDENTIALS_H

#include "s3.h"

/*
 * Where keys come from; credentials.c says in which order, and renews them.
 *
 * Invariants: keys of one struct s3_keys are of one age, read or answered at once.
 * Buffers that held a secret are wiped before they are freed. Messages name a host,
 * a profile, a role or a file, never the path of an address nor what an answer held
 * besides its error.
 */

/* Take a set of keys. False, with a message: one is missing, too long, or holds what no header can.
 * where: "profile 'x'" and the like. */
bool s3_keys_set(struct s3_session *s, struct s3_keys *k, const char *where, const char *access,
		 const char *secret, const char *token);
/* A file without the blanks at its end. False: there is none, or, by errno, EFBIG. */
bool s3_read_file(const char *path, size_t max, struct text *t);

/* ---- profile.c: sections of the files that programs for AWS share ---- */
enum s3_profile_file { S3_CREDENTIALS_FILE, S3_CONFIG_FILE, S3_PROFILE_FILES };

struct s3_profile {
	const char *name;                       /* borrowed */
	bool found;                             /* one of the files has it */
	bool odd[S3_PROFILE_FILES];             /* what stands there is no such file */
	struct text settings[S3_PROFILE_FILES]; /* NAME NUL VALUE NUL ... */
};

const char *s3_profile_name(const struct s3_config *c);
void s3_profile_path(enum s3_profile_file file, char *path, size_t n);
void s3_profile_load(struct s3_profile *p, const char *name);
void s3_profile_release(struct s3_profile *p);
/* A setting; of the credentials file, if both have it. NULL: there is none. */
const char *s3_profile_value(const struct s3_profile *p, const char *name);
const char *s3_profile_value_in(const struct s3_profile *p, enum s3_profile_file file,
				const char *name);

/* ---- role.c: what a profile leads to ---- */
enum migrate_status s3_keys_profile(struct s3_session *s, const char *name, struct s3_keys *k,
				    bool *found);

/* ---- json.c ---- */
/* "Name": "text" of a flat JSON object. False: there is none that fits, and value is empty. */
bool s3_json_string(const char *json, size_t n, const char *name, char *value, size_t size);
/* Keys as containers, machines and programs print them; what: to be said of them. */
enum migrate_status s3_json_keys(struct s3_session *s, struct s3_keys *k, const struct text *json,
				 const char *what);

/* ---- fetch.c: requests to those who give keys ---- */
#define S3_FETCH_HEADERS 6
#define S3_FETCH_SECRETS 2

struct s3_fetch {
	const char *method, *url;
	const char *headers[S3_FETCH_HEADERS]; /* "Name: value"; NULL behind the last */
	const char *post;                      /* NULL: no body */
	const char *secrets[S3_FETCH_SECRETS]; /* that it shows; NULL: none */
	bool local; /* on this machine or beside it: never by way of a proxy, soon or not at all */
	bool patient;              /* worth waiting for even where nobody listens yet */
	long status;               /* 0: no answer */
	bool connected;            /* somebody was there */
	size_t heads;              /* bytes before the body */
	bool too_much;             /* it sent more than is taken */
	char why[CURL_ERROR_SIZE]; /* there is none */
	struct text answer;
};

/* May secrets travel to and from this address? Only by TLS, or not beyond this machine's link. */
bool s3_may_ask(const char *url);
/* The host of an address, for messages. */
void s3_host_of(const char *url, char *host, size_t n);
void s3_fetch(struct s3_session *s, struct s3_fetch *f);
/* What the answer repeats of secrets, in a text of it that is going to be said. */
void s3_fetch_blank(const struct s3_session *s, const struct s3_fetch *f, char *text);
/* The message for an answer without keys; what: to be said of those who were asked. */
enum migrate_status s3_fetch_refused(struct s3_session *s, const struct s3_fetch *f,
				     const char *what);
/* The keys in the answer. */
enum migrate_status s3_fetch_keys(struct s3_session *s, const struct s3_fetch *f, const char *what,
				  struct s3_keys *k);

/* ---- Those who give them ---- */
enum migrate_status s3_keys_environment(struct s3_session *s, struct s3_keys *k, bool *found);
enum migrate_status s3_keys_container(struct s3_session *s, struct s3_keys *k, bool *found);
enum migrate_status s3_keys_machine(struct s3_session *s, struct s3_keys *k, bool *found);
enum migrate_status s3_keys_process(struct s3_session *s, const char *command, const char *profile,
				    struct s3_keys *k);

/* ---- sts.c ---- */
struct s3_role {
	const char *arn, *session;         /* session: NULL: migrate */
	const char *external_id, *seconds; /* NULL: none */
	const char *region;                /* NULL: that of the bucket */
};
/* The keys in an answer of STS. */
enum migrate_status s3_sts_keys(struct s3_session *s, const struct s3_fetch *f, const char *what,
				struct s3_keys *k);
enum migrate_status s3_keys_web_identity(struct s3_session *s, const struct s3_role *role,
					 const char *token_file, struct s3_keys *k);
/* k holds the keys that may take the role, then those of the role. */
enum migrate_status s3_keys_role(struct s3_session *s, const struct s3_role *role,
				 struct s3_keys *k);

#endif
