/* SPDX-License-Identifier: MIT */
/* A fuzz target without a fuzzer: gives it each file that is named, once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long size;
	int rc = -1;

	if (!file || fseek(file, 0, SEEK_END) != 0)
		goto end;
	size = ftell(file);
	if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
		goto end;
	/* Exactly its size, so that a sanitizer sees the first byte too many. */
	bytes = malloc(size ? (size_t)size : 1);
	if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size)
		goto end;
	LLVMFuzzerTestOneInput(bytes, (size_t)size);
	rc = 0;
end:
	if (rc != 0)
		perror(path);
	free(bytes);
	if (file)
		fclose(file);
	return rc;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) != 0)
			return EXIT_FAILURE;
	printf("replayed %d\n", argc - 1);
	return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
}
