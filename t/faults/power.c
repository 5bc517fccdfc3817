/* SPDX-License-Identifier: MIT */
/*
 * power FOLDER: the power fails for the file system that FOLDER is on. What was not
 * synced is gone for good; nothing can be read or written any more until it is
 * unmounted and mounted again. For file systems made for a test: needs root.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of ext4 and xfs; in no header that is installed everywhere. */
#define SHUTDOWN _IOR('X', 125, uint32_t)
enum { NO_LOG_FLUSH = 2 };

/* Never the machine's own root file system, whatever was typed. */
static int is_root_file_system(const struct stat *st)
{
	struct stat root;

	return stat("/", &root) != 0 || root.st_dev == st->st_dev;
}

int main(int argc, char **argv)
{
	uint32_t flag = NO_LOG_FLUSH;
	struct stat st;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: power FOLDER\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		perror(argv[1]);
		return 1;
	}
	if (is_root_file_system(&st)) {
		fprintf(stderr, "power: %s is on the root file system\n", argv[1]);
		return 1;
	}
	if (ioctl(fd, SHUTDOWN, &flag) != 0) {
		perror("power: FS_IOC_SHUTDOWN");
		return 1;
	}
	close(fd);
	return 0;
}
