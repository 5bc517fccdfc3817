/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <openssl/crypto.h>
#include <string.h>

/* Signature version 4: what is signed is exactly what is sent, in canonical form. */

bool s3_signer_init(struct s3_signer *g, EVP_MD *sha256)
{
	*g = (struct s3_signer){ .sha256 = sha256, .md = EVP_MD_CTX_new() };
	return g->md && sha256;
}

void s3_signer_release(struct s3_signer *g)
{
	EVP_MD_CTX_free(g->md);
	text_release(&g->canonical);
	text_release(&g->names);
	OPENSSL_cleanse(g->key, sizeof(g->key));
}

bool s3_sha256(struct s3_signer *g, const void *bytes, size_t n, unsigned char digest[32])
{
	return EVP_DigestInit_ex2(g->md, g->sha256, NULL) && EVP_DigestUpdate(g->md, bytes, n) &&
	       EVP_DigestFinal_ex(g->md, digest, NULL);
}

bool s3_md5(struct s3_session *s, const void *bytes, size_t n, unsigned char digest[16])
{
	return EVP_DigestInit_ex2(s->signer.md, s->s3->md5, NULL) &&
	       EVP_DigestUpdate(s->signer.md, bytes, n) &&
	       EVP_DigestFinal_ex(s->signer.md, digest, NULL);
}

/* HMAC by its definition: keys here are at most 64 bytes long, or digests of longer ones. */
static bool hmac(struct s3_signer *g, const unsigned char *key, size_t nkey, const void *text,
		 size_t n, unsigned char out[32])
{
	unsigned char pad[64] = { 0 }, inner[32];
	bool ok = true;

	if (nkey > sizeof(pad))
		ok = s3_sha256(g, key, nkey, pad);
	else
		memcpy(pad, key, nkey);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36;
	ok = ok && EVP_DigestInit_ex2(g->md, g->sha256, NULL) &&
	     EVP_DigestUpdate(g->md, pad, sizeof(pad)) && EVP_DigestUpdate(g->md, text, n) &&
	     EVP_DigestFinal_ex(g->md, inner, NULL);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	ok = ok && EVP_DigestInit_ex2(g->md, g->sha256, NULL) &&
	     EVP_DigestUpdate(g->md, pad, sizeof(pad)) &&
	     EVP_DigestUpdate(g->md, inner, sizeof(inner)) && EVP_DigestFinal_ex(g->md, out, NULL);
	OPENSSL_cleanse(pad, sizeof(pad));
	return ok;
}

/* The key of a day, a region and a service; the same for most requests. */
static bool derive(struct s3_signer *g, const struct s3_signing *in)
{
	unsigned char seed[4 + 256], step[32];
	size_t n = strlen(in->secret);
	bool ok;

	if (!memcmp(g->day, in->time, 8) && g->generation == in->generation &&
	    !strcmp(g->region, in->region))
		return true;
	if (n > sizeof(seed) - 4)
		return false;
	memcpy(seed, "AWS4", 4);
	memcpy(seed + 4, in->secret, n);
	ok = hmac(g, seed, n + 4, in->time, 8, step) &&
	     hmac(g, step, sizeof(step), in->region, strlen(in->region), step) &&
	     hmac(g, step, sizeof(step), in->service, strlen(in->service), step) &&
	     hmac(g, step, sizeof(step), "aws4_request", 12, g->key);
	OPENSSL_cleanse(seed, sizeof(seed));
	OPENSSL_cleanse(step, sizeof(step));
	g->day[0] = '\0';
	if (!ok)
		return false;
	memcpy(g->day, in->time, 8);
	text_copy(g->region, sizeof(g->region), in->region);
	g->generation = in->generation;
	return true;
}

/* Runs of spaces count as one; there are none at the ends. */
static void add_value(struct text *to, const char *value, size_t n)
{
	while (n && *value == ' ')
		value++, n--;
	while (n && value[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < n; i++)
		if (value[i] != ' ' || value[i - 1] != ' ')
			text_char(to, value[i]);
}

static void canonical(struct s3_signer *g, const struct s3_signing *in)
{
	struct text *c = &g->canonical;

	text_reset(c);
	text_reset(&g->names);
	text_str(c, in->method);
	text_char(c, '\n');
	text_str(c, in->path);
	text_char(c, '\n');
	text_str(c, in->query);
	text_char(c, '\n');
	for (size_t i = 0; i < in->header_count; i++) {
		const struct s3_header *h = &in->headers[i];

		text_add(c, in->header_bytes + h->name, h->nname);
		text_char(c, ':');
		if (memchr(in->header_bytes + h->value, ' ', h->nvalue))
			add_value(c, in->header_bytes + h->value, h->nvalue);
		else
			text_add(c, in->header_bytes + h->value, h->nvalue);
		text_char(c, '\n');
		if (i)
			text_char(&g->names, ';');
		text_add(&g->names, in->header_bytes + h->name, h->nname);
	}
	text_char(c, '\n');
	text_add(c, text_get(&g->names), g->names.n);
	text_char(c, '\n');
	text_str(c, in->payload);
}

static void add_scope(struct text *to, const struct s3_signing *in)
{
	text_add(to, in->time, 8);
	text_char(to, '/');
	text_str(to, in->region);
	text_char(to, '/');
	text_str(to, in->service);
	text_str(to, "/aws4_request");
}

bool s3_sign(struct s3_signer *g, const struct s3_signing *in, struct text *authorization)
{
	unsigned char digest[32];
	struct text *c = &g->canonical;

	canonical(g, in);
	if (c->bad || g->names.bad || !s3_sha256(g, text_get(c), c->n, digest) || !derive(g, in))
		return false;
	text_reset(c);
	text_str(c, "AWS4-HMAC-SHA256\n");
	text_str(c, in->time);
	text_char(c, '\n');
	add_scope(c, in);
	text_char(c, '\n');
	text_hex(c, digest, sizeof(digest));
	if (c->bad || !hmac(g, g->key, sizeof(g->key), text_get(c), c->n, digest))
		return false;
	text_str(authorization, "AWS4-HMAC-SHA256 Credential=");
	text_str(authorization, in->access);
	text_char(authorization, '/');
	add_scope(authorization, in);
	text_str(authorization, ",SignedHeaders=");
	text_add(authorization, text_get(&g->names), g->names.n);
	text_str(authorization, ",Signature=");
	text_hex(authorization, digest, sizeof(digest));
	return !authorization->bad;
}
