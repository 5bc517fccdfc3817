/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef __x86_64__

enum { PENDING_MAX = 1024 };

struct pending {
	struct call call;
	long began;
	unsigned long inode; /* of what is synced; a published one is looked at when it is there */
};

struct history {
	FILE *file;
	long clock;
	struct pending *pending[PENDING_MAX];
	size_t n;
};

struct history *history_open(const char *path)
{
	struct history *h = calloc(1, sizeof(*h));

	if (h)
		h->file = fopen(path, "ae");
	if (h && h->file) {
		setvbuf(h->file, NULL, _IOLBF, 0); /* killat may be killed, too */
		return h;
	}
	free(h);
	return NULL;
}

int history_close(struct history *h)
{
	int rc = 0;

	if (!h)
		return 0;
	for (size_t i = 0; i < h->n; i++)
		free(h->pending[i]);
	if (fclose(h->file) != 0)
		rc = -1;
	free(h);
	return rc;
}

static unsigned long inode_of(const struct call *c)
{
	char link[64];
	struct stat st;

	if (call_class_of(c) != CALL_SYNC)
		return lstat(c->path, &st) == 0 ? st.st_ino : 0;
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)c->tid, (int)c->args[0]);
	return stat(link, &st) == 0 ? st.st_ino : 0;
}

bool history_call(struct history *h, const struct call *c)
{
	struct pending *p;

	if (!h || !(call_class_of(c) & (CALL_SYNC | CALL_LINK | CALL_RENAME)) ||
	    h->n == PENDING_MAX)
		return false;
	p = malloc(sizeof(*p));
	if (!p)
		return false;
	*p = (struct pending){ .call = *c, .began = ++h->clock };
	if (call_class_of(c) == CALL_SYNC)
		p->inode = inode_of(c);
	h->pending[h->n++] = p;
	return true;
}

static void write_path(FILE *f, const char *path)
{
	for (; *path; path++)
		if (*path > ' ' && *path < 127 && *path != '%')
			putc(*path, f);
		else
			fprintf(f, "%%%02X", (unsigned)(unsigned char)*path);
	putc('\n', f);
}

void history_return(struct history *h, pid_t tid)
{
	struct pending *p;
	size_t i = 0;

	while (h && i < h->n && h->pending[i]->call.tid != tid)
		i++;
	if (!h || i == h->n)
		return;
	p = h->pending[i];
	h->pending[i] = h->pending[--h->n];
	if (call_class_of(&p->call) != CALL_SYNC)
		p->inode = inode_of(&p->call);
	fprintf(h->file, "%ld %ld %s %ld %lu ", p->began, ++h->clock, call_name(&p->call),
		call_result(tid), p->inode);
	write_path(h->file, p->call.path);
	free(p);
}

#endif
