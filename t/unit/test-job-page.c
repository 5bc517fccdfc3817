/* SPDX-License-Identifier: MIT */
#include "job-fixture.h"

#include "tap.h"

/*
 * migrate-job(5) says of every option what its table says: the page holds the
 * text that the tables make, line by line, as it is.
 */
static char *read_page(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	char *page = calloc(1, 1u << 20);
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/migrate-job.5", srcdir ? srcdir : ".");
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "cannot open %s", path);
	ck_assert_ptr_nonnull(page);
	ck_assert_uint_gt(fread(page, 1, (1u << 20) - 1, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	return page;
}

START_TEST(the_page_has_the_options_of_the_tables)
{
	BUF_AUTO struct buf text = BUF_INIT(1u << 20);
	char *page = read_page(), *at;
	size_t n = 0;

	ck_assert(job_mdoc(&text) && buf_add(&text, "", 1));
	at = strstr(page, ".Ss The file itself\n");
	ck_assert_msg(at != NULL, "the page does not have the options at all");
	while (text.p[n] && (char)text.p[n] == at[n])
		n++;
	ck_assert_msg(!text.p[n],
		      "the page differs from the tables here:\n%.400s\ninstead of\n%.400s", at + n,
		      (char *)text.p + n);
	ck_assert_msg(!strncmp(at + n, ".Sh ", 4), "the page has more options than the tables");
	free(page);
}
END_TEST

/* The job that the page opens with, between its first .Bd and .Ed. */
START_TEST(the_page_opens_with_a_job_that_is_valid_yaml)
{
	struct problems p = PROBLEMS_INIT("the page's job");
	struct arena a = ARENA_INIT;
	char *page = read_page(), *start, *end;
	struct yaml_node *root;

	start = strstr(page, ".Bd -literal");
	ck_assert_ptr_nonnull(start);
	start = strchr(start, '\n') + 1;
	end = strstr(start, ".Ed");
	ck_assert_ptr_nonnull(end);
	root = yaml_parse(&a, start, (size_t)(end - start), &p);
	ck_assert_msg(root != NULL, "%.*s", (int)p.text.len, (char *)p.text.p);
	ck_assert_ptr_nonnull(yaml_get(root, "source"));
	ck_assert_ptr_nonnull(yaml_get(root, "databases"));
	problems_release(&p);
	arena_release(&a);
	free(page);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("job-page");
	TCase *t = tcase_create("job-page");

	tcase_add_test(t, the_page_has_the_options_of_the_tables);
	tcase_add_test(t, the_page_opens_with_a_job_that_is_valid_yaml);
	suite_add_tcase(s, t);
	return run_tap(s);
}
