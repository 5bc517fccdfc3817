/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

/*
 * Which region a bucket is in is learnt from its answers. A redirect is followed by
 * us, signed anew, and only to where the credentials may be shown: a host of the
 * same provider, or the very same host.
 */

/* At AWS it becomes a part of the host's name. */
static bool is_region(const struct s3_session *s, const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (s->place.aws)
		return s3_is_aws_region(text);
	return n >= 2 && n < 40 && !text[n];
}

static const char *named_region(const struct s3_session *s)
{
	const char *region = s3_answer_header(s, "x-amz-bucket-region");

	if (!region && s->answer.region[0])
		region = s->answer.region;
	return region && is_region(s, region) ? region : NULL;
}

static bool may_see_us(const struct s3_place *ours, const struct s3_place *theirs)
{
	if (ours->tls && !theirs->tls)
		return false;
	if (!strcmp(ours->host, theirs->host))
		return true;
	return s3_aws_name(ours->host) == S3_AWS_BUCKETS &&
	       s3_aws_name(theirs->host) == S3_AWS_BUCKETS &&
	       s3_aws_same_partition(ours->host, theirs->host);
}

/* The end point behind a Location: its host, less the bucket in front of it. */
static bool place_of(const struct s3_session *s, const char *location, struct s3_place *p)
{
	size_t n = strcspn(location, "?");
	char url[300];
	char *host;

	if (n >= sizeof(url))
		return false;
	memcpy(url, location, n);
	url[n] = '\0';
	host = strstr(url, "://");
	if (!host)
		return false;
	host += 3;
	host[strcspn(host, "/")] = '\0';
	if (!s3_place_parse(url, p))
		return false;
	n = strlen(s->s3->config.bucket);
	p->host_style = !strncmp(p->host, s->s3->config.bucket, n) && p->host[n] == '.';
	if (p->host_style)
		memmove(p->host, p->host + n + 1, strlen(p->host + n + 1) + 1);
	memcpy(p->path, s->place.path, sizeof(p->path));
	p->aws = s->place.aws;
	return may_see_us(&s->place, p);
}

static void adopt(struct s3 *s3, const struct s3_place *place, const char *region)
{
	pthread_mutex_lock(&s3->lock);
	if (place)
		s3->place = *place;
	if (region) {
		text_copy(s3->region, sizeof(s3->region), region);
		if (s3->place.aws)
			s3_place_aws(&s3->place, region);
	}
	s3->region_generation++;
	pthread_mutex_unlock(&s3->lock);
}

bool s3_follow(struct s3_session *s)
{
	const char *location = s3_answer_header(s, "location"), *region = named_region(s);
	bool redirected = s->answer.status / 100 == 3;
	struct s3_place place;

	if (region && !strcmp(region, s->region))
		region = NULL;
	if (region && !redirected && s->answer.status == 403)
		return false; /* AWS says it on every answer; this one is no question of region */
	if (redirected && location && place_of(s, location, &place) &&
	    (strcmp(place.host, s->place.host) || place.host_style != s->place.host_style)) {
		adopt(s->s3, &place, region);
		return true;
	}
	if (!region)
		return false;
	adopt(s->s3, NULL, region);
	return true;
}

void s3_refresh_place(struct s3_session *s)
{
	struct s3 *s3 = s->s3;

	pthread_mutex_lock(&s3->lock);
	if (s->region_generation != s3->region_generation) {
		s->place = s3->place;
		text_copy(s->region, sizeof(s->region), s3->region);
		s->region_generation = s3->region_generation;
	}
	pthread_mutex_unlock(&s3->lock);
}

/* One cheap request that says whether the bucket is there and the keys are right. */
static bool pass_over(void *arg, const char *path, char *text, size_t n)
{
	(void)arg, (void)path, (void)text, (void)n;
	return true;
}

enum migrate_status s3_look_at_bucket(struct s3_session *s)
{
	enum migrate_status status;

	s3_begin(s, "GET", s3_bytes(NULL, 0));
	/* there are servers that fail when the first key is one that XML cannot say */
	if (!(s->s3->quirks & S3_NO_LIST_ENCODING))
		s3_query_text(s, "encoding-type", "url");
	if (!(s->s3->quirks & S3_LIST_V1))
		s3_query_text(s, "list-type", "2");
	s3_query_text(s, "max-keys", "1");
	status = s3_send(s, "looking at the bucket");
	if (status == MIGRATE_DENIED && !strcmp(s->answer.code, "AccessDenied"))
		return s->s3->no_list ? MIGRATE_OK : status;
	if (status != MIGRATE_OK)
		return status;
	/* anything may answer 200: what is no listing comes from somebody else */
	status = s3_document(s, "ListBucketResult", pass_over, NULL, "looking at the bucket");
	if (status == MIGRATE_OK || s->answer.code[0])
		return status;
	return migrate_fail(s->ms, MIGRATE_UNAVAILABLE,
			    "looking at the bucket: the server answered %ld, and not as S3 does: "
			    "look at endpoint",
			    s->answer.status);
}
