/* SPDX-License-Identifier: MIT */
#include "uri.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What RFC 3986 leaves as it is; S3 signs a path and a query encoded exactly so, once. */
static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void s3_encode(struct text *to, const void *bytes, size_t n, bool slash)
{
	static const char digits[] = "0123456789ABCDEF";
	const unsigned char *p = bytes, *end = p + n;

	while (p < end) {
		const unsigned char *from = p;
		char code[3];

		while (p < end && (is_unreserved(*p) || (slash && *p == '/')))
			p++;
		text_add(to, from, (size_t)(p - from));
		if (p == end)
			break;
		code[0] = '%';
		code[1] = digits[*p >> 4];
		code[2] = digits[*p & 15];
		text_add(to, code, 3);
		p++;
	}
}

bool s3_decode(char *text, size_t *n, bool plus)
{
	size_t out = 0;

	for (size_t i = 0; i < *n; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == '%') {
			if (*n - i < 3 || !hex_bytes(text + i + 1, 2, &byte))
				return false;
			i += 2;
		} else if (byte == '+' && plus) {
			byte = ' ';
		}
		text[out++] = (char)byte;
	}
	*n = out;
	text[out] = '\0';
	return true;
}

/* ---- End points ---- */

static bool is_host(const char *p, size_t n)
{
	if (!n || n > 200)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_unreserved((unsigned char)p[i]) && !strchr(":[]", p[i]))
			return false;
	return true;
}

/* A port that is the scheme's own is not sent, so it is not signed. */
static void drop_port(struct s3_place *p)
{
	const char *own = p->tls ? ":443" : ":80";
	size_t n = strlen(p->host), m = strlen(own);

	if (n > m && !strcmp(p->host + n - m, own))
		p->host[n - m] = '\0';
}

bool s3_place_parse(const char *url, struct s3_place *p)
{
	const char *host, *path;
	size_t n;

	*p = (struct s3_place){ .tls = true };
	if (!strncasecmp(url, "http://", 7)) {
		p->tls = false;
		host = url + 7;
	} else if (!strncasecmp(url, "https://", 8)) {
		host = url + 8;
	} else if (strstr(url, "://")) {
		return false;
	} else {
		host = url;
	}
	path = host + strcspn(host, "/?#");
	if (!is_host(host, (size_t)(path - host)) || *path == '?' || *path == '#')
		return false;
	for (n = 0; host + n < path; n++)
		p->host[n] = (char)(host[n] >= 'A' && host[n] <= 'Z' ? host[n] + 32 : host[n]);
	drop_port(p);
	n = strlen(path);
	while (n && path[n - 1] == '/')
		n--;
	if (n >= sizeof(p->path) || memchr(path, '?', n) || memchr(path, '#', n))
		return false;
	memcpy(p->path, path, n);
	return true;
}

void s3_place_aws(struct s3_place *p, const char *region)
{
	bool host_style = p->host_style;

	*p = (struct s3_place){ .tls = true, .host_style = host_style, .aws = true };
	snprintf(p->host, sizeof(p->host), "s3.%s.%s", region, s3_aws_suffix(region));
}

void s3_place_host(const struct s3_place *p, const char *bucket, char *host, size_t n)
{
	if (p->host_style)
		snprintf(host, n, "%s.%s", bucket, p->host);
	else
		snprintf(host, n, "%s", p->host);
}

bool s3_bucket_is_label(const char *bucket, bool tls)
{
	size_t n = strlen(bucket);

	if (n < 3 || n > 63 || bucket[0] == '-' || bucket[n - 1] == '-' || bucket[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = bucket[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		      (c == '.' && !tls)))
			return false;
	}
	return true;
}
