/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static const char empty_sha256[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* A body in aws-chunked: SIZE[;chunk-signature=S]\r\n DATA \r\n ... 0 \r\n TRAILERS \r\n */
struct reader {
	struct exchange *x;
	char *p, *end;
	bool is_signed;
	bool has_trailer;
	struct text data;
};

static bool incomplete(struct reader *r)
{
	return fail(r->x, 400, "IncompleteBody", "The request body terminated unexpectedly");
}

/* The next line without its end; NULL when there is none. */
static char *take_line(struct reader *r)
{
	char *line = r->p, *end = memmem(line, (size_t)(r->end - line), "\r\n", 2);

	if (!end)
		return NULL;
	*end = '\0';
	r->p = end + 2;
	return line;
}

/* Each signature is over the one before: chunks cannot be left out or moved. */
static bool check_link(struct reader *r, const char *kind, const char *tail, const char *claimed)
{
	struct signing *s = &r->x->signing;
	struct text to_sign = { NULL, 0, 0 }, made = { NULL, 0, 0 };
	unsigned char hash[32];
	bool good;

	text_printf(&to_sign, "%s\n%s\n%s\n%s\n%s", kind, s->date, s->scope, s->signature, tail);
	hmac_sha256(s->key, 32, &to_sign, hash);
	text_hex(&made, hash, 32);
	good = claimed && !strcmp(claimed, made.p);
	if (!good)
		sign_mismatch(r->x, &to_sign, NULL);
	snprintf(s->signature, sizeof(s->signature), "%s", made.p);
	text_release(&to_sign);
	text_release(&made);
	return good;
}

static void hash_of(const char *p, size_t n, struct text *to)
{
	unsigned char hash[32];

	EVP_Digest(p, n, hash, NULL, EVP_sha256(), NULL);
	text_hex(to, hash, 32);
}

static bool check_chunk(struct reader *r, const char *p, size_t n, const char *claimed)
{
	struct text tail = { NULL, 0, 0 };
	bool good;

	if (!r->is_signed)
		return true;
	text_printf(&tail, "%s\n", empty_sha256);
	hash_of(p, n, &tail);
	good = check_link(r, "AWS4-HMAC-SHA256-PAYLOAD", tail.p, claimed);
	text_release(&tail);
	return good;
}

/* Reads one chunk. True with *last once the empty one was read. */
static bool take_chunk(struct reader *r, bool *last)
{
	char *line = take_line(r), *end, *claimed = NULL, *data;
	unsigned long long n;

	if (!line)
		return incomplete(r);
	n = strtoull(line, &end, 16);
	if (end == line || n > (unsigned long long)(r->end - r->p))
		return incomplete(r);
	if (!strncmp(end, ";chunk-signature=", 17))
		claimed = end + 17;
	data = r->p;
	*last = n == 0;
	r->p += n;
	if (!check_chunk(r, data, (size_t)n, claimed))
		return false;
	text_add(&r->data, data, (size_t)n);
	if (*last)
		return true;
	if (r->end - r->p < 2 || memcmp(r->p, "\r\n", 2) != 0)
		return incomplete(r);
	r->p += 2;
	return true;
}

static bool add_trailer(struct reader *r, char *line)
{
	struct request *q = &r->x->q;
	char *colon = strchr(line, ':');
	const char *announced = request_header(q, "x-amz-trailer");

	if (!colon || q->header_count == MAX_HEADERS)
		return fail(r->x, 400, "MalformedTrailerError", "The trailer is malformed.");
	*colon++ = '\0';
	while (*colon == ' ')
		colon++;
	if (!announced || !strstr(announced, line))
		return fail(r->x, 400, "MalformedTrailerError",
			    "The trailer was not announced in x-amz-trailer.");
	q->headers[q->header_count].name = line;
	q->headers[q->header_count++].value = colon;
	return true;
}

static bool take_trailers(struct reader *r)
{
	struct text lines = { NULL, 0, 0 }, hash = { NULL, 0, 0 };
	char *line, *claimed = NULL;
	bool good = true;

	while (good && (line = take_line(r)) && *line) {
		if (!strncmp(line, "x-amz-trailer-signature:", 24)) {
			claimed = line + 24;
			continue;
		}
		text_printf(&lines, "%s\n", line);
		good = add_trailer(r, line);
	}
	if (good && r->is_signed && r->has_trailer) {
		hash_of(text_get(&lines), lines.len, &hash);
		good = check_link(r, "AWS4-HMAC-SHA256-TRAILER", hash.p, claimed);
	}
	text_release(&lines);
	text_release(&hash);
	return good;
}

bool chunked_decode(struct exchange *x)
{
	struct blob *sent = x->q.body;
	struct reader r = { .x = x, .p = sent->p, .end = sent->p + sent->len };
	const char *payload = x->signing.payload;
	const char *length = request_header(&x->q, "x-amz-decoded-content-length");
	unsigned long long n;
	bool last = false, good = true;

	r.is_signed = !strncmp(payload, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 34);
	r.has_trailer = strstr(payload, "-TRAILER");
	if (!length || !number_of(length, 1ULL << 50, &n))
		return fail(x, 411, "MissingContentLength",
			    "You must provide the x-amz-decoded-content-length header.");
	while (good && !last)
		good = take_chunk(&r, &last);
	good = good && take_trailers(&r);
	if (good && r.data.len != n)
		good = incomplete(&r);
	if (good) {
		/* The trailers that are headers now point into the old body: keep it. */
		struct blob *body = blob_new(r.data.len);

		if (r.data.len)
			memcpy(body->p, r.data.p, r.data.len);
		x->q.sent = sent;
		x->q.body = body;
	}
	text_release(&r.data);
	return good;
}
