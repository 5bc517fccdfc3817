/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_BASE_SORTER_IMPL_H
#define MIGRATE_BASE_SORTER_IMPL_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/*
 * Inside the sorter. A record is a sorter_head, the key, the payload; in memory
 * and in the file alike. Invariants: fd is -1 until the first run was written;
 * each run is sorted; the runs follow each other in the file from 0.
 */
#define SORTER_PART_MAX ((size_t)16 << 20)

struct sorter_head {
	uint32_t key, payload;
};

struct sorter_entry {
	uint64_t head;
	size_t at;
};

struct sorter_run {
	off_t start, end;
};

/* One run as it is read: bytes[at..have) are in memory, the file goes on at `where`. */
struct sorter_reader {
	off_t where, end;
	unsigned char *bytes;
	size_t cap, at, have;
};

struct sorter {
	size_t memory;
	char *folder;

	unsigned char *block;
	size_t cap, used;
	struct sorter_entry *entries;
	size_t entry_count, entry_cap;
	size_t next;

	int fd;
	off_t end; /* of the file */
	struct sorter_run *runs;
	size_t run_count, run_cap;

	struct sorter_reader *readers;
	size_t reader_count;
	struct sorter_reader **heap; /* the reader with the least record first */
	size_t heap_count;
	bool given; /* the record of heap[0] is with the caller */
};

static inline size_t sorter_record_size(const unsigned char *r)
{
	struct sorter_head h;

	memcpy(&h, r, sizeof(h));
	return sizeof(h) + h.key + h.payload;
}

static inline void sorter_record_split(const unsigned char *r, struct migrate_bytes *key,
				       struct migrate_bytes *payload)
{
	struct sorter_head h;

	memcpy(&h, r, sizeof(h));
	*key = bytes_of(r + sizeof(h), h.key);
	*payload = bytes_of(r + sizeof(h) + h.key, h.payload);
}

static inline int sorter_record_compare(const unsigned char *a, const unsigned char *b)
{
	struct migrate_bytes ka, kb, pa, pb;
	int c;

	sorter_record_split(a, &ka, &pa);
	sorter_record_split(b, &kb, &pb);
	c = bytes_compare(ka, kb);
	return c ? c : bytes_compare(pa, pb);
}

/* sorter-file.c */
int sorter_open_file(const char *folder, struct error *err);
void sorter_close_file(struct sorter *s);
/* The sorted entries as one more run. */
int sorter_write_run(struct sorter *s, struct error *err);

/* Gathers small records into few writes. */
struct sorter_writer {
	int fd;
	off_t where;
	unsigned char *bytes;
	size_t used;
};
int sorter_writer_init(struct sorter_writer *w, int fd, off_t where, struct error *err);
int sorter_writer_add(struct sorter_writer *w, const void *p, size_t n, struct error *err);
int sorter_writer_flush(struct sorter_writer *w, struct error *err);
void sorter_writer_release(struct sorter_writer *w);
int sorter_add_run(struct sorter *s, off_t start, off_t end, struct error *err);
/* Fill p with n bytes from where on; the file holds them. */
int sorter_read(int fd, void *p, size_t n, off_t where, struct error *err);

/* sorter-merge.c */
int sorter_merge_begin(struct sorter *s, struct error *err);
int sorter_merge_next(struct sorter *s, struct migrate_bytes *key, struct migrate_bytes *payload,
		      struct error *err);
void sorter_merge_release(struct sorter *s);

#endif
