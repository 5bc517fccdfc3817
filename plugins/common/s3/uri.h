/* SPDX-License-Identifier: MIT */
#ifndef S3_URI_H
#define S3_URI_H

#include "coding.h"

/*
 * Names on their way into and out of requests: pure functions, without a session, for
 * both plugins that speak S3.
 */

/* One end point: where requests go. */
struct s3_place {
	bool tls, host_style;
	char host[256]; /* with the port, if it is not the scheme's own */
	char path[256]; /* before the bucket, without a slash at its end */
	bool aws;       /* the host follows from the region */
};

/* Percent-encode all but the unreserved; slash: '/' stays. */
void s3_encode(struct text *to, const void *bytes, size_t n, bool slash);
/* Undo it, in place; plus: '+' is a space. False: it is not encoded well. */
bool s3_decode(char *text, size_t *n, bool plus);
/* A host and its path from http[s]://host[:port][/path]; false: not one. */
bool s3_place_parse(const char *url, struct s3_place *p);
/* The default: AWS, in that region. */
void s3_place_aws(struct s3_place *p, const char *region);
/* The host that a request for the bucket goes to, and the path before the key. */
void s3_place_host(const struct s3_place *p, const char *bucket, char *host, size_t n);
/* Can this bucket be the first label of a name in a certificate? */
bool s3_bucket_is_label(const char *bucket, bool tls);

/* ---- aws.c ---- */
enum s3_aws_name {
	S3_AWS_NOT,     /* whatever it is */
	S3_AWS_BUCKETS, /* an end point of S3's for buckets, which may be led to another of these */
	S3_AWS_OTHER    /* S3 all the same: an access point, an interface in somebody's network */
};
/* host: in lower case, without a bucket in front of it. */
enum s3_aws_name s3_aws_name(const char *host);
/* Of two names of S3: do accounts of the one serve at the other? */
bool s3_aws_same_partition(const char *a, const char *b);
/* us-east-1 and the like: others' names of regions are no part of a name at AWS. */
bool s3_is_aws_region(const char *text);
/* How names of hosts in that region end: amazonaws.com or, in China, amazonaws.com.cn. */
const char *s3_aws_suffix(const char *region);

/* ---- word.c ---- */
/* A value of metadata as a header may hold it: itself, or an encoded word. False: it is not text. */
bool s3_encode_value(struct text *to, const void *bytes, size_t n);
/* The way back: encoded words in UTF-8; any other text stays what it is. */
void s3_decode_word(struct text *to, const char *text);

#endif
