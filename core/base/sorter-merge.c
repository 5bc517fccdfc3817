/* SPDX-License-Identifier: MIT */
#include "base/sorter-impl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Merging runs: each has a reader with a piece of it in memory, a heap holds the
 * readers by their present record. More runs than the memory has room for are
 * merged into fewer, longer ones first.
 */
#define READ_SIZE ((size_t)16 << 10)

static size_t fan_in(const struct sorter *s)
{
	return s->memory / READ_SIZE;
}

static const unsigned char *present(const struct sorter_reader *r)
{
	return r->bytes + r->at;
}

/* Have at least n bytes of the present record in memory. */
static int need(struct sorter *s, struct sorter_reader *r, size_t n, struct error *err)
{
	size_t left = (size_t)(r->end - r->where), more;

	if (r->have - r->at >= n)
		return 0;
	if (n - (r->have - r->at) > left)
		return error_set(err, EXIT_INTERNAL, "a temporary file is shorter than it was");
	memmove(r->bytes, r->bytes + r->at, r->have - r->at);
	r->have -= r->at;
	r->at = 0;
	if (n > r->cap) {
		unsigned char *p = realloc(r->bytes, n);

		if (!p)
			return error_set(err, EXIT_INTERNAL, "out of memory while sorting");
		r->bytes = p;
		r->cap = n;
	}
	more = r->cap - r->have < left ? r->cap - r->have : left;
	if (sorter_read(s->fd, r->bytes + r->have, more, r->where, err))
		return -1;
	r->where += (off_t)more;
	r->have += more;
	return 0;
}

/* 1: the present record is whole in memory; 0: the run has ended. */
static int load(struct sorter *s, struct sorter_reader *r, struct error *err)
{
	if (r->at == r->have && r->where == r->end)
		return 0;
	if (need(s, r, sizeof(struct sorter_head), err) ||
	    need(s, r, sorter_record_size(present(r)), err))
		return -1;
	return 1;
}

static void sift_down(struct sorter *s, size_t i)
{
	struct sorter_reader **h = s->heap;

	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->heap_count; child++)
			if (sorter_record_compare(present(h[child]), present(h[least])) < 0)
				least = child;
		if (least == i)
			return;
		struct sorter_reader *swap = h[i];

		h[i] = h[least];
		h[least] = swap;
		i = least;
	}
}

void sorter_merge_release(struct sorter *s)
{
	for (size_t i = 0; i < s->reader_count; i++)
		free(s->readers[i].bytes);
	free(s->readers);
	free(s->heap);
	s->readers = NULL;
	s->heap = NULL;
	s->reader_count = s->heap_count = 0;
	s->given = false;
}

static int open_sorted_run(struct sorter *s, const struct sorter_run *run, struct error *err)
{
	struct sorter_reader *r = &s->readers[s->reader_count];
	int more;

	*r = (struct sorter_reader){ .where = run->start, .end = run->end, .cap = READ_SIZE };
	r->bytes = malloc(READ_SIZE);
	if (!r->bytes)
		return error_set(err, EXIT_INTERNAL, "out of memory while sorting");
	s->reader_count++;
	more = load(s, r, err);
	if (more > 0)
		s->heap[s->heap_count++] = r;
	return more < 0 ? -1 : 0;
}

/* Readers over runs[first .. first+count), in a heap. */
static int open_readers(struct sorter *s, size_t first, size_t count, struct error *err)
{
	sorter_merge_release(s);
	s->readers = calloc(count, sizeof(*s->readers));
	s->heap = calloc(count, sizeof(struct sorter_reader *));
	if (!s->readers || !s->heap)
		return error_set(err, EXIT_INTERNAL, "out of memory while sorting");
	for (size_t i = 0; i < count; i++)
		if (open_sorted_run(s, &s->runs[first + i], err))
			return -1;
	for (size_t i = s->heap_count; i-- > 0;)
		sift_down(s, i);
	return 0;
}

/* Leave the record that was given out, so that heap[0] is the next one. */
static int advance_reader(struct sorter *s, struct error *err)
{
	struct sorter_reader *r = s->heap[0];
	int more;

	r->at += sorter_record_size(present(r));
	more = load(s, r, err);
	if (more < 0)
		return -1;
	if (!more)
		s->heap[0] = s->heap[--s->heap_count];
	sift_down(s, 0);
	return 0;
}

/* 1: heap[0] has the next record; 0: all were given. */
static int next_record(struct sorter *s, struct error *err)
{
	if (s->given && s->heap_count && advance_reader(s, err))
		return -1;
	s->given = true;
	return s->heap_count ? 1 : 0;
}

static int merge_group(struct sorter *s, size_t first, size_t count, struct sorter_writer *w,
		       struct error *err)
{
	int more;

	if (open_readers(s, first, count, err))
		return -1;
	while ((more = next_record(s, err)) > 0) {
		const unsigned char *r = present(s->heap[0]);

		if (sorter_writer_add(w, r, sorter_record_size(r), err))
			return -1;
	}
	return more < 0 ? -1 : sorter_writer_flush(w, err);
}

/* All groups of runs into w's file; `made` gets the new runs. */
static int merge_groups(struct sorter *s, struct sorter *made, struct sorter_writer *w,
			struct error *err)
{
	for (size_t i = 0; i < s->run_count; i += fan_in(s)) {
		size_t count = s->run_count - i < fan_in(s) ? s->run_count - i : fan_in(s);
		off_t start = w->where;

		if (merge_group(s, i, count, w, err) || sorter_add_run(made, start, w->where, err))
			return -1;
	}
	return 0;
}

/* One pass over all runs into a new file, which takes the old one's place. */
static int merge_pass(struct sorter *s, struct error *err)
{
	struct sorter made = { .fd = -1 };
	struct sorter_writer w = { .bytes = NULL };
	int rc = -1;

	made.fd = sorter_open_file(s->folder, err);
	if (made.fd < 0 || sorter_writer_init(&w, made.fd, 0, err))
		goto out;
	rc = merge_groups(s, &made, &w, err);
out:
	sorter_writer_release(&w);
	sorter_merge_release(s);
	if (rc) {
		sorter_close_file(&made);
		free(made.runs);
		return rc;
	}
	sorter_close_file(s);
	free(s->runs);
	s->fd = made.fd;
	s->end = w.where;
	s->runs = made.runs;
	s->run_count = made.run_count;
	s->run_cap = made.run_cap;
	return 0;
}

int sorter_merge_begin(struct sorter *s, struct error *err)
{
	while (s->run_count > fan_in(s))
		if (merge_pass(s, err))
			return -1;
	return open_readers(s, 0, s->run_count, err);
}

int sorter_merge_next(struct sorter *s, struct migrate_bytes *key, struct migrate_bytes *payload,
		      struct error *err)
{
	int more = next_record(s, err);

	if (more > 0)
		sorter_record_split(present(s->heap[0]), key, payload);
	return more;
}
