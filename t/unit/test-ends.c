/* SPDX-License-Identifier: MIT */
#include "engine/task/ends.h"

#include "tap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *why, *source, *destination;
	enum ends_relation relation;
	const char *below; /* of the inner one */
} cases[] = {
	{ "equal identities are one place", "memory:a", "memory:a", ENDS_SAME, NULL },
	{ "different ones are not", "memory:a", "memory:b", ENDS_APART, NULL },
	{ "a common beginning is no folder", "s:/a", "s:/ab", ENDS_APART, NULL },
	{ "a folder inside", "s:/a", "s:/a/b/c", ENDS_DESTINATION_INSIDE, "b/c" },
	{ "the other way round", "s:/a/b", "s:/a", ENDS_SOURCE_INSIDE, "b" },
	{ "everything is inside the root", "f fsid=1 ino=2 path=/", "f fsid=1 ino=7 path=/x",
	  ENDS_DESTINATION_INSIDE, "x" },
	{ "inodes differ, of course", "f fsid=1 ino=5 path=/a", "f fsid=1 ino=66 path=/a/b",
	  ENDS_DESTINATION_INSIDE, "b" },
	{ "another file system is elsewhere", "f fsid=1 ino=5 path=/a", "f fsid=2 ino=6 path=/a/b",
	  ENDS_APART, NULL },
	{ "another kind of store as well", "f fsid=1 ino=5 path=/a", "g fsid=1 ino=6 path=/a/b",
	  ENDS_APART, NULL },
	{ "a slash at the end", "s:/a/", "s:/a/b", ENDS_DESTINATION_INSIDE, "b" },
};

START_TEST(relations)
{
	const char *source = cases[_i].source, *destination = cases[_i].destination;
	const char *below = ends_below(source, destination);

	if (!below)
		below = ends_below(destination, source);
	ck_assert_msg(ends_relation(source, destination) == cases[_i].relation, "%s",
		      cases[_i].why);
	ck_assert_pstr_eq(below, cases[_i].below);
}
END_TEST

START_TEST(identities_stand_one_in_a_line)
{
	char a[] = "one", b[] = "two";
	struct open_end ends[] = { { .identity = a }, { .identity = b } };
	char *text = ends_identities(ends, 2), *none = ends_identities(ends, 0);

	ck_assert_str_eq(text, "one\ntwo\n");
	ck_assert_str_eq(none, "");
	free(text);
	free(none);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ends");
	TCase *t = tcase_create("ends");

	tcase_add_loop_test(t, relations, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, identities_stand_one_in_a_line);
	suite_add_tcase(s, t);
	return run_tap(s);
}
