/* SPDX-License-Identifier: MIT */
#include "s3d.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

const char *const sum_names[SUM_COUNT] = { "crc32", "crc32c", "sha1", "sha256", "crc64nvme" };

/* Reflected CRCs of up to 64 bits, eight bytes at a time. */
struct crc {
	uint64_t table[8][256];
	uint64_t ones;
	size_t size;
};

static struct crc crc32, crc32c, crc64nvme;
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void crc_init(struct crc *c, uint64_t polynomial, size_t size)
{
	c->size = size;
	c->ones = size == 8 ? UINT64_MAX : UINT32_MAX;
	for (unsigned i = 0; i < 256; i++) {
		uint64_t v = i;

		for (int bit = 0; bit < 8; bit++)
			v = v & 1 ? v >> 1 ^ polynomial : v >> 1;
		c->table[0][i] = v;
	}
	for (unsigned i = 0; i < 256; i++) {
		for (int k = 1; k < 8; k++)
			c->table[k][i] =
			    c->table[k - 1][i] >> 8 ^ c->table[0][c->table[k - 1][i] & 255];
	}
}

static void make_tables(void)
{
	crc_init(&crc32, 0xedb88320, 4);
	crc_init(&crc32c, 0x82f63b78, 4);
	crc_init(&crc64nvme, 0x9a6c9329ac4bc9b5, 8);
}

static uint64_t crc_of(const struct crc *c, const unsigned char *p, size_t n)
{
	uint64_t v = c->ones;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		v ^= word;
		v = c->table[7][v & 255] ^ c->table[6][v >> 8 & 255] ^ c->table[5][v >> 16 & 255] ^
		    c->table[4][v >> 24 & 255] ^ c->table[3][v >> 32 & 255] ^
		    c->table[2][v >> 40 & 255] ^ c->table[1][v >> 48 & 255] ^ c->table[0][v >> 56];
	}
	for (; n; n--, p++)
		v = v >> 8 ^ c->table[0][(v ^ *p) & 255];
	return v ^ c->ones;
}

void sum_make_raw(enum sum_kind kind, const void *p, size_t n, struct text *to)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	const struct crc *crc = kind == SUM_CRC32    ? &crc32
				: kind == SUM_CRC32C ? &crc32c
						     : &crc64nvme;
	unsigned len = 0;
	uint64_t v;

	if (kind == SUM_SHA1 || kind == SUM_SHA256) {
		const EVP_MD *type = kind == SUM_SHA1 ? EVP_sha1() : EVP_sha256();

		if (!EVP_Digest(p, n, bytes, &len, type, NULL))
			die("cannot compute a digest");
		text_add(to, bytes, len);
		return;
	}
	pthread_once(&tables_made, make_tables);
	v = crc_of(crc, p, n);
	for (size_t i = 0; i < crc->size; i++)
		bytes[i] = (unsigned char)(v >> (8 * (crc->size - 1 - i)));
	text_add(to, bytes, crc->size);
}

void sum_make(enum sum_kind kind, const void *p, size_t n, char to[SUM_SIZE])
{
	struct text raw = { NULL, 0, 0 }, text = { NULL, 0, 0 };

	sum_make_raw(kind, p, n, &raw);
	text_base64(&text, raw.p, raw.len);
	snprintf(to, SUM_SIZE, "%s", text.p);
	text_release(&raw);
	text_release(&text);
}

int sum_kind_of(const char *algorithm)
{
	for (int i = 0; i < SUM_COUNT; i++) {
		if (!strcasecmp(sum_names[i], algorithm))
			return i;
	}
	return -1;
}

void etag_md5(const void *p, size_t n, char to[ETAG_SIZE])
{
	unsigned char md5[EVP_MAX_MD_SIZE];
	struct text t = { NULL, 0, 0 };
	unsigned len;

	if (!EVP_Digest(p, n, md5, &len, EVP_md5(), NULL))
		die("cannot compute an MD5");
	text_hex(&t, md5, len);
	snprintf(to, ETAG_SIZE, "%s", t.p);
	text_release(&t);
}

void etag_random(struct exchange *x, char to[ETAG_SIZE])
{
	unsigned char bytes[16];
	struct text t = { NULL, 0, 0 };

	(void)x;
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		die("no random numbers");
	text_hex(&t, bytes, sizeof(bytes));
	snprintf(to, ETAG_SIZE, "%s", t.p);
	text_release(&t);
}

bool declared_sum(struct exchange *x, int *kind, const char **value)
{
	char name[40];

	for (int i = 0; i < SUM_COUNT; i++) {
		snprintf(name, sizeof(name), "x-amz-checksum-%s", sum_names[i]);
		*value = request_header(&x->q, name);
		*kind = i;
		if (*value)
			return true;
	}
	return false;
}

/* Encryption with keys of others makes the ETag no MD5. */
static bool is_md5_etag(const struct exchange *x, const struct object *o)
{
	const char *sse = attrs_get(&o->attrs, "x-amz-server-side-encryption");

	return sw(x, SW_PLAIN_MD5) == YES && !o->sse_c[0] && (!sse || strncmp(sse, "aws:", 4) != 0);
}

void object_seal(struct exchange *x, struct object *o, int fallback)
{
	const char *value, *algorithm = request_header(&x->q, "x-amz-checksum-algorithm");
	int kind = -1;

	o->changed = server_now(x->server);
	if (is_md5_etag(x, o))
		etag_md5(o->data->p, o->data->len, o->etag);
	else
		etag_random(x, o->etag);
	if (sw(x, SW_CHECKSUMS) != YES)
		return;
	if (!declared_sum(x, &kind, &value))
		kind = algorithm ? sum_kind_of(algorithm) : fallback;
	if (kind < 0)
		kind = SUM_CRC64NVME;
	sum_make((enum sum_kind)kind, o->data->p, o->data->len, o->sums[kind]);
}
