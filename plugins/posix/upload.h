/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_POSIX_UPLOAD_H
#define MIGRATE_POSIX_UPLOAD_H

#include "posix.h"

/*
 * A large object in the making: two files in the folder .migrate-JOB-uploads of
 * the root, ID.data with its bytes and ID.parts, which says what it shall be and
 * which parts of it are on the disk.
 *
 * Invariants: ID.parts is a header, its key, and from POSIX_RECORDS on a record
 * per part, each with a check sum; numbers as this machine writes them, for no
 * other machine continues an upload. A record is written after the bytes that it
 * speaks of were synced. A header names the inode of its ID.data: what else may
 * come to stand under that name is never taken for it.
 */
#define POSIX_RECORDS ((off_t)69632) /* behind the header and the longest key */
#define POSIX_UPLOAD_ID 33           /* 16 digits, a dash, 16 digits */

struct posix_header {
	char magic[8];
	char job[16];
	uint64_t size;
	uint64_t inode; /* of ID.data; 0: it was not there yet */
	struct posix_finish finish;
	uint32_t key_n;
	uint32_t reserved;
	uint64_t check; /* of all before, and the key */
};

struct posix_record {
	uint32_t number;
	uint32_t reserved;
	uint64_t offset, size;
	uint64_t check;
};

struct posix_upload_state {
	int folder, data, parts;
	char id[POSIX_UPLOAD_ID + 1];
	struct posix_header header;
};

enum migrate_status posix_upload_open(struct posix_session *s, struct migrate_session *m,
				      struct migrate_bytes id, struct posix_upload_state *u);
void posix_upload_close(struct posix_upload_state *u);
/* 0 (also when it was not there) or an errno. */
int posix_upload_remove(struct posix_session *s, struct migrate_bytes id);

#endif
