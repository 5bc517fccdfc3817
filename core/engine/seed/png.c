/* SPDX-License-Identifier: MIT */
#include "engine/seed/png.h"

#include <string.h>
#include <zlib.h>

#define SIDE_MAX 15
#define ROW_MAX (1 + 3 * SIDE_MAX) /* the filter's byte, then the pixels */
#define CHUNK_OVERHEAD 12          /* length, type, checksum */

static const char comment[] = "Comment"; /* with its NUL: what the text chunk begins with */

/* A well mixed number for each n, so that neighbours look different. */
static uint64_t mix_colour(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

static void put32(unsigned char *out, uint32_t v)
{
	out[0] = (unsigned char)(v >> 24);
	out[1] = (unsigned char)(v >> 16);
	out[2] = (unsigned char)(v >> 8);
	out[3] = (unsigned char)v;
}

/* The length and type of a chunk; its data follows, then end_chunk(). */
static bool begin_chunk(struct buf *out, const char *type, uint32_t n, size_t *at)
{
	unsigned char head[4];

	put32(head, n);
	*at = out->len + 4; /* the checksum covers the type */
	return buf_add(out, head, 4) && buf_add(out, type, 4);
}

static bool end_chunk(struct buf *out, size_t at)
{
	unsigned char sum[4];

	put32(sum, (uint32_t)crc32_z(0, out->p + at, out->len - at));
	return buf_add(out, sum, 4);
}

static bool add_png_chunk(struct buf *out, const char *type, const void *data, uint32_t n)
{
	size_t at;

	return begin_chunk(out, type, n, &at) && (!n || buf_add(out, data, n)) &&
	       end_chunk(out, at);
}

static bool add_header(struct buf *out, uint32_t width, uint32_t height)
{
	unsigned char head[13] = { [8] = 8, [9] = 2 }; /* 8 bits a channel, red green blue */

	put32(head, width);
	put32(head + 4, height);
	return add_png_chunk(out, "IHDR", head, sizeof(head));
}

/* A slope from one colour to another, across and down. */
static size_t paint(unsigned char *rows, uint32_t width, uint32_t height, uint64_t colours)
{
	unsigned char *p = rows;

	for (uint32_t y = 0; y < height; y++) {
		*p++ = 0; /* no filter */
		for (uint32_t x = 0; x < width; x++)
			for (int channel = 0; channel < 3; channel++) {
				uint32_t from = (uint32_t)(colours >> (8 * channel)) & 0xff;
				uint32_t to = (uint32_t)(colours >> (24 + 8 * channel)) & 0xff;
				uint32_t way = x + y, whole = width + height - 2;

				*p++ = (unsigned char)((from * (whole - way) + to * way) / whole);
			}
	}
	return (size_t)(p - rows);
}

static bool add_pixels(struct buf *out, uint32_t width, uint32_t height, uint64_t colours)
{
	unsigned char rows[ROW_MAX * SIDE_MAX], packed[2 * ROW_MAX * SIDE_MAX];
	size_t n = paint(rows, width, height, colours);
	uLongf size = sizeof(packed);

	return compress2(packed, &size, rows, n, 1) == Z_OK &&
	       add_png_chunk(out, "IDAT", packed, (uint32_t)size);
}

/* A comment that fills the file up to `size` bytes with text that does not repeat soon. */
static bool add_padding(struct buf *out, uint64_t seed, uint64_t size)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	uint64_t n = size - out->len - 2 * CHUNK_OVERHEAD; /* IEND comes behind it */
	uint64_t left = n - sizeof(comment);
	size_t at;

	if (!begin_chunk(out, "tEXt", (uint32_t)n, &at) || !buf_add(out, comment, sizeof(comment)))
		return false;
	while (left) {
		char text[10];
		size_t take = left < sizeof(text) ? (size_t)left : sizeof(text);
		uint64_t bits = seed = mix_colour(seed);

		for (size_t i = 0; i < take; i++, bits >>= 6)
			text[i] = letters[bits & 63];
		if (!buf_add(out, text, take))
			return false;
		left -= take;
	}
	return end_chunk(out, at);
}

bool png_make(uint64_t index, uint64_t size, struct buf *out)
{
	uint64_t m = mix_colour(index);
	uint32_t width = 8 + (uint32_t)(m & 7), height = 8 + (uint32_t)(m >> 3 & 7);

	buf_reset(out);
	return buf_add(out, "\x89PNG\r\n\x1a\n", 8) && add_header(out, width, height) &&
	       add_pixels(out, width, height, m >> 8) && (!size || add_padding(out, m, size)) &&
	       add_png_chunk(out, "IEND", NULL, 0);
}
