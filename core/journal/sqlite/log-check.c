/* SPDX-License-Identifier: MIT */
#include "journal/sqlite/sqlite-impl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * SQLite takes the first frame of the log that does not fit for the torn end of
 * an unfinished commit, and forgets what is behind it. That is right for the last
 * commit alone: each is synced before the next is written. When a whole commit and
 * more of the same log stand behind the bad frame, they were promised to somebody,
 * and the log is damaged. The format: sqlite.org/fileformat.html, section 4.
 */
#define LOG_HEADER 32
#define FRAME_HEADER 24
#define OUR_PAGE 4096
#define LOG_MAGIC 0x377f0682 /* the last bit: checksums are of big-endian words */

struct log_reader {
	int fd;
	bool big;
	uint32_t page;
	uint32_t salt[2];
	uint32_t sum[2];
	unsigned char *frame;
};

static uint32_t big32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint32_t word(const struct log_reader *r, const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return r->big ? be32toh(v) : le32toh(v);
}

static void add_sum(struct log_reader *r, const unsigned char *p, size_t n)
{
	uint32_t a = r->sum[0], b = r->sum[1];

	for (size_t i = 0; i + 8 <= n; i += 8) {
		a += word(r, p + i) + b;
		b += word(r, p + i + 4) + a;
	}
	r->sum[0] = a;
	r->sum[1] = b;
}

/* True: a header that SQLite would believe. */
static bool read_header(struct log_reader *r)
{
	unsigned char h[LOG_HEADER];

	if (pread(r->fd, h, sizeof(h), 0) != LOG_HEADER || (big32(h) & ~1u) != LOG_MAGIC)
		return false;
	r->big = big32(h) & 1;
	r->page = big32(h + 8);
	r->salt[0] = big32(h + 16);
	r->salt[1] = big32(h + 20);
	r->sum[0] = r->sum[1] = 0;
	add_sum(r, h, LOG_HEADER - 8);
	return r->sum[0] == big32(h + 24) && r->sum[1] == big32(h + 28) && r->page >= 512 &&
	       r->page <= 65536 && !(r->page & (r->page - 1));
}

static bool read_frame(struct log_reader *r, uint64_t n)
{
	size_t size = FRAME_HEADER + (size_t)r->page;

	return pread(r->fd, r->frame, size, (off_t)(LOG_HEADER + n * size)) == (ssize_t)size;
}

static bool is_of_this_log(const struct log_reader *r)
{
	return big32(r->frame + 8) == r->salt[0] && big32(r->frame + 12) == r->salt[1];
}

static bool is_commit(const struct log_reader *r)
{
	return big32(r->frame + 4) != 0;
}

static bool is_good(struct log_reader *r)
{
	if (!is_of_this_log(r) || !big32(r->frame))
		return false;
	add_sum(r, r->frame, 8);
	add_sum(r, r->frame + FRAME_HEADER, r->page);
	return r->sum[0] == big32(r->frame + 16) && r->sum[1] == big32(r->frame + 20);
}

/* Was it written behind the frame whose checksum is before[]? */
static bool follows(struct log_reader *r, const uint32_t *before)
{
	r->sum[0] = before[0];
	r->sum[1] = before[1];
	return is_good(r);
}

/*
 * From frame n on, which is bad: a commit of this log with more of it behind. Only
 * the checksums, which go on from frame to frame, tell what was written behind it
 * from what a run that was killed before had left there.
 */
static bool goes_on(struct log_reader *r, uint64_t n)
{
	/* what was computed for it: the bad one may have lost nothing but its checksum */
	const uint32_t computed[2] = { r->sum[0], r->sum[1] };
	const uint64_t first = n;
	uint32_t before[2] = { 0, 0 };
	bool committed = false;

	for (; read_frame(r, n); n++) {
		if (committed && (follows(r, before) || (n == first + 1 && follows(r, computed))))
			return true;
		committed = is_of_this_log(r) && is_commit(r);
		before[0] = big32(r->frame + 16);
		before[1] = big32(r->frame + 20);
	}
	return false;
}

/* Without a header there is nothing to compare with but the first frame. */
static bool guess_header(struct log_reader *r)
{
	unsigned char h[FRAME_HEADER];

	r->page = OUR_PAGE;
	r->big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__; /* as SQLite writes it here */
	if (pread(r->fd, h, sizeof(h), LOG_HEADER) != (ssize_t)sizeof(h))
		return false;
	r->salt[0] = big32(h + 8);
	r->salt[1] = big32(h + 12);
	return r->salt[0] || r->salt[1];
}

/*
 * What is left of an unfinished commit goes before anything is written over it:
 * else the remains of two killed runs, one over the other, look like damage.
 */
static int cut_log(int fd, const char *path, const struct log_reader *r, uint64_t frames,
		   struct error *err)
{
	off_t size = (off_t)(LOG_HEADER + frames * (FRAME_HEADER + (uint64_t)r->page));
	struct stat st;

	if (fstat(fd, &st))
		return error_set_errno(err, EXIT_JOURNAL, errno, "cannot look at %s", path);
	if (st.st_size <= size)
		return 0;
	if (ftruncate(fd, size) || fdatasync(fd))
		return error_set_errno(err, EXIT_JOURNAL, errno, "cannot shorten %s", path);
	return 0;
}

int journal_wal_check(int fd, const char *path, struct error *err)
{
	struct log_reader r = { .fd = fd };
	bool header = read_header(&r), damaged;
	uint64_t n = 0, committed = 0;

	if (!header && !guess_header(&r))
		return 0;
	r.frame = malloc(FRAME_HEADER + (size_t)r.page);
	if (!r.frame)
		return error_set(err, EXIT_INTERNAL, "out of memory");
	while (header && read_frame(&r, n) && is_good(&r)) {
		n++;
		if (is_commit(&r))
			committed = n;
	}
	damaged = goes_on(&r, n);
	free(r.frame);
	if (!damaged)
		return header ? cut_log(fd, path, &r, committed, err) : 0;
	return error_set(err, EXIT_DAMAGED,
			 "%s: damaged in frame %llu, but commits follow it: put back a backup, or "
			 "see migrate-journal(5)",
			 path, (unsigned long long)n + 1);
}
