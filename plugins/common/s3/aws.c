/* SPDX-License-Identifier: MIT */
#include "uri.h"

#include <string.h>

/*
 * Names of AWS, by the forms that it documents and no others. That a name ends as theirs do says
 * nothing: anybody may have a load balancer, a machine or an interface called so.
 *
 *	s3[-fips][.dualstack].REGION.SUFFIX      s3-REGION.SUFFIX, s3-fips-REGION.SUFFIX (older)
 *	s3.amazonaws.com, s3-external-1.amazonaws.com, s3-accelerate[.dualstack].amazonaws.com
 *	s3-accesspoint[-fips][.dualstack].REGION.SUFFIX
 *	(bucket|accesspoint).vpce-ID[-ZONE].s3.REGION.vpce.SUFFIX
 */
static const struct {
	const char *region; /* how regions of that partition begin */
	const char *suffix;
} partitions[] = {
	{ "cn-", "amazonaws.com.cn" },   { "eusc-", "amazonaws.eu" },
	{ "us-isob-", "sc2s.sgov.gov" }, { "us-isof-", "csp.hci.ic.gov" },
	{ "us-iso-", "c2s.ic.gov" },     { "eu-isoe-", "cloud.adc-e.uk" },
	{ "", "amazonaws.com" },
};

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Over these bytes, if they are next. */
static bool skip(const char **p, const char *bytes)
{
	if (!begins(*p, bytes))
		return false;
	*p += strlen(bytes);
	return true;
}

const char *s3_aws_suffix(const char *region)
{
	size_t i = 0;

	while (!begins(region, partitions[i].region))
		i++;
	return partitions[i].suffix;
}

/* Letters, dashes between them, a number: us-east-1, us-gov-west-1. The first word is short. */
bool s3_is_aws_region(const char *text)
{
	const char *word = text, *dash;
	unsigned int words = 0;
	size_t n;

	while ((dash = strchr(word, '-'))) {
		n = strspn(word, "abcdefghijklmnopqrstuvwxyz");
		if (word + n != dash || n < 2 || n > (words ? 16 : 4))
			return false;
		word = dash + 1;
		words++;
	}
	n = strspn(word, "0123456789");
	return words >= 2 && words <= 4 && *word != '0' && n >= 1 && n <= 2 && !word[n];
}

/* REGION.SUFFIX, and nothing behind it; middle: between the two, or "". */
static bool is_regional(const char *p, const char *middle)
{
	char region[64];
	size_t n = strcspn(p, ".");

	if (p[n] != '.' || n >= sizeof(region))
		return false;
	memcpy(region, p, n);
	region[n] = '\0';
	p += n + 1;
	return s3_is_aws_region(region) && skip(&p, middle) && !strcmp(p, s3_aws_suffix(region));
}

static bool is_bucket_end(const char *p)
{
	static const char *const names[] = {
		"s3.amazonaws.com",
		"s3-external-1.amazonaws.com",
		"s3-accelerate.amazonaws.com",
		"s3-accelerate.dualstack.amazonaws.com",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(p, names[i]))
			return true;
	if (!skip(&p, "s3"))
		return false;
	if (*p == '-' && is_regional(p + 1, ""))
		return true;
	if (skip(&p, "-fips") && *p == '-')
		return is_regional(p + 1, "");
	skip(&p, ".dualstack");
	return skip(&p, ".") && is_regional(p, "");
}

static bool is_access_point(const char *p)
{
	if (!skip(&p, "s3-accesspoint"))
		return false;
	skip(&p, "-fips");
	skip(&p, ".dualstack");
	return skip(&p, ".") && is_regional(p, "");
}

/* The service's own label stands behind the interface's: those of others have vpce-svc-ID there. */
static bool is_interface(const char *p)
{
	if ((!skip(&p, "bucket.") && !skip(&p, "accesspoint.")) || !skip(&p, "vpce-"))
		return false;
	p += strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return skip(&p, ".s3.") && is_regional(p, "vpce.");
}

enum s3_aws_name s3_aws_name(const char *host)
{
	if (is_bucket_end(host))
		return S3_AWS_BUCKETS;
	return is_access_point(host) || is_interface(host) ? S3_AWS_OTHER : S3_AWS_NOT;
}

bool s3_aws_same_partition(const char *a, const char *b)
{
	size_t i = 0;

	for (; i + 1 < sizeof(partitions) / sizeof(partitions[0]); i++) {
		const char *of_a = strstr(a, partitions[i].suffix);
		const char *of_b = strstr(b, partitions[i].suffix);

		if (of_a || of_b)
			return of_a && of_b;
	}
	return true;
}
