/* SPDX-License-Identifier: MIT */
#include "job-fixture.h"

#include "tap.h"

#include <time.h>

/* Job files that are refused, each with a message that says where and what to do. */
#define BEHIND(text_) ENDS text_ /* begins on line 3 */
#define DATABASE(text_) ENDS "databases: [{plugin: rows, path: d, table: t, " text_ "}]\n"

static const struct {
	const char *why, *text, *says;
} cases[] = {
	/* not a job file at all */
	{ "nothing", "", "job.yml: the file is empty" },
	{ "comments alone", "# a\n# b\n", "job.yml: the file is empty" },
	{ "a word", "job\n", "job.yml:1:1: a job file is a map of options, not text" },
	{ "a list", "- a\n", "job.yml:1:1: a job file is a map of options, not a list" },
	{ "no YAML", "a: [1, 2\nb: }\n", "job.yml:2:2: not valid YAML: " },
	{ "a quote that does not end", "a: 'b\n", "job.yml:2:1: not valid YAML: " },
	{ "a tab", "copy:\n\tverify: hash\n", "job.yml:2:1: a tab cannot indent: use spaces" },
	{ "UTF-16", "\377\376a", "job.yml:1:1: the file is UTF-16: save it as UTF-8" },
	{ "a byte order mark", "\357\273\277job: a\n",
	  "job.yml:1:1: the file begins with a byte order mark" },
	{ "Latin-1", "job: caf\351\n", "job.yml:1:9: not UTF-8 text: " },
	{ "an escaped NUL", "job: \"a\\0b\"\n", "job.yml:1:6: a NUL (\\0) cannot stand" },
	{ "two documents", BEHIND("---\njob: b\n"), "job.yml:3:1: a second document" },
	{ "a directive", "%YAML 1.1\n---\njob: b\n", "job.yml:1:1: directives (%) are not" },
	{ "a directive later", BEHIND("...\n%TAG ! b\n---\n"), "job.yml:4:1: directives (%)" },
	{ "an anchor", BEHIND("job: &a b\n"), "job.yml:3:6: anchors (&) are not supported" },
	{ "an alias", BEHIND("job: *a\n"), "job.yml:3:6: aliases (*) are not supported" },
	{ "a pattern that looks like an alias", BEHIND("keys: {include: [*.png]}\n"),
	  "job.yml:3:19: not valid YAML: text that begins with * or & needs quotes" },
	{ "a tag", BEHIND("job: !!str b\n"), "job.yml:3:6: tags (!) are not supported" },
	{ "a tag of one's own", BEHIND("copy: !env {verify: hash}\n"),
	  "job.yml:3:7: tags (!) are not supported" },
	{ "a merge key", BEHIND("copy: {<<: {verify: hash}}\n"),
	  "job.yml:3:8: merge keys (<<) are not supported" },
	{ "a map as a name", BEHIND("? {a: b}\n: c\n"), "the name of an option must be text" },
	{ "no name", BEHIND("copy: {'': hash}\n"), "an option without a name" },
	/* names */
	{ "an unknown section", BEHIND("databasse: []\n"),
	  "job.yml:3:1: unknown option 'databasse' (did you mean 'databases'?)" },
	{ "an unknown option of an end",
	  "source:\n  plugin: files\n  root: a\n  buckt: b\ndestination: {plugin: files, root: "
	  "c}\n",
	  "job.yml:4:3: unknown option 'buckt' (did you mean 'bucket'?)" },
	{ "nothing like it", BEHIND("copy: {frobnicate: 1}\n"),
	  "job.yml:3:8: unknown option 'frobnicate'" },
	{ "a duplicate", BEHIND("job: a\nbatch: 2\njob: b\n"),
	  "job.yml:5:1: 'job' stands twice: the first is on line 3" },
	{ "a duplicate on one line", "source: {plugin: files, root: a, root: b}\n",
	  "job.yml:1:34: 'root' stands twice: the first is on line 1" },
	{ "upper case", BEHIND("Batch: 3\n"), "unknown option 'Batch' (did you mean 'batch'?)" },
	/* sections */
	{ "no source", "destination: {plugin: files, root: a}\n",
	  "job.yml:1:1: section 'source' is missing" },
	{ "no destination", "source: {plugin: files, root: a}\n",
	  "job.yml:1:1: section 'destination' is missing" },
	{ "an end that is a word", "source: files\ndestination: {plugin: files, root: a}\n",
	  "job.yml:1:9: 'source' must be a map with the option 'plugin', not text" },
	{ "no plugin", "source: {root: a}\ndestination: {plugin: files, root: a}\n",
	  "job.yml:1:9: option 'plugin' is missing" },
	{ "no such plugin", "source: {plugin: filles}\ndestination: {plugin: files, root: a}\n",
	  "job.yml:1:18: source: no plugin 'filles'" },
	{ "a plugin of another kind",
	  "source: {plugin: rows}\ndestination: {plugin: files, root: a}\n",
	  "job.yml:1:18: source: plugin 'rows' is of another kind" },
	{ "a required option is missing",
	  "source: {plugin: files}\ndestination: {plugin: files, root: a}\n",
	  "job.yml:1:9: option 'root' is missing: the folder" },
	{ "databases without dashes", BEHIND("databases:\n  plugin: rows\n"),
	  "job.yml:4:3: 'databases' must be a list, not a map: put '- ' in front of each" },
	{ "the same database twice",
	  BEHIND("databases:\n- {plugin: rows, path: d, table: t}\n- {plugin: rows, path: ./d, "
		 "table: t}\n"),
	  "job.yml:5:3: databases[1] (t) is the same as databases[0]" },
	{ "a section that is a value", BEHIND("copy: fast\n"),
	  "job.yml:3:7: here a map of options is needed, not text" },
	{ "an empty section", BEHIND("copy:\n"), "here a map of options is needed, not nothing" },
	/* values */
	{ "a list for a value", BEHIND("batch: [1]\n"),
	  "job.yml:3:8: 'batch' must be one value, not a list" },
	{ "a map for a list", BEHIND("keys: {include: {a: b}}\n"),
	  "job.yml:3:17: 'include' must be a list such as [a, b], not a map" },
	{ "a list for a map", DATABASE("set: [a]"),
	  "'set' must be a map such as {name: value}, not a list" },
	{ "a map in a list", BEHIND("keys: {include: [{a: b}]}\n"),
	  "job.yml:3:18: 'include' holds a map where text is needed" },
	{ "no value", BEHIND("batch:\n"),
	  "'batch' has no value: give one, or leave the option out" },
	{ "null", BEHIND("job: ~\n"), "job.yml:3:6: 'job' has no value" },
	{ "an exponent", BEHIND("batch: 1e3\n"),
	  "job.yml:3:8: 'batch' must be a whole number, not '1e3'" },
	{ "octal", BEHIND("batch: 0100\n"), "'batch' must be a whole number, not '0100'" },
	{ "base 60", BEHIND("batch: 12:30\n"), "'batch' must be a whole number, not '12:30'" },
	{ "hexadecimal", BEHIND("batch: 0x10\n"), "'batch' must be a whole number, not '0x10'" },
	{ "a fraction", BEHIND("attempts: 2.5\n"), "'attempts' must be a whole number, not '2.5'" },
	{ "zero where one is the least", BEHIND("batch: 0\n"),
	  "'batch' must be between 1 and 10000, not '0'" },
	{ "too large", BEHIND("batch: 10001\n"),
	  "'batch' must be between 1 and 10000, not '10001'" },
	{ "an overflow", BEHIND("max_failures: 9223372036854775808\n"),
	  "'max_failures' must be a whole number, not '9223372036854775808'" },
	{ "negative", BEHIND("max_failures: -1\n"), "'max_failures' cannot be negative: '-1'" },
	{ "a size without sense", BEHIND("copy: {part_size: 16M}\n"),
	  "job.yml:3:19: 'part_size' must be a size such as 512, 16KiB, 64MiB or 5GB, not '16M'" },
	{ "a size that overflows", BEHIND("copy: {memory: 16777216PiB}\n"),
	  "'memory' must be a size such as" },
	{ "a rate a minute", BEHIND("limits: {requests: 5/m}\n"),
	  "'requests' must be a whole number a second such as 500 or 500/s, not '5/m'" },
	{ "a time without unit", BEHIND("patience: 10\n"),
	  "'patience' must be a time such as 500ms, 30s, 10m, 2h or 7d, not '10'" },
	{ "yes", BEHIND("journal: {allow_volatile: yes}\n"),
	  "'allow_volatile' must be true or false, not 'yes'" },
	{ "no such choice", BEHIND("copy: {verify: hsah}\n"),
	  "job.yml:3:16: 'verify' must be size, native, hash or readback, not 'hsah' (did you mean "
	  "'hash'?)" },
	{ "concurrency that is no number", BEHIND("copy: {concurrency: many}\n"),
	  "'concurrency' must be a whole number or auto, not 'many'" },
	{ "memory for less than one part", BEHIND("copy: {memory: 1MiB, part_size: 2MiB}\n"),
	  "job.yml:3:16: copy.memory cannot hold one part" },
	{ "an empty path", BEHIND("journal: {path: ''}\n"), "'path' must be a path, not ''" },
	{ "a journal on a server", BEHIND("journal: postgresql://h/d\n"),
	  "job.yml:3:10: the journal must be a file" },
	{ "a name with a slash", BEHIND("job: a/b\n"),
	  "job.yml:3:6: the job's name names its journal" },
	{ "a URL without a scheme",
	  "source: {plugin: files, root: a, endpoint: example.com}\ndestination: {plugin: files, "
	  "root: b}\n",
	  "job.yml:1:44: 'endpoint' must be a URL such as" },
	/* keys */
	{ "keys from a file that is not named", BEHIND("keys: {from: file}\n"),
	  "job.yml:3:14: keys.from is file, but keys.file is missing" },
	{ "a file that is not asked for", BEHIND("keys: {file: a}\n"),
	  "keys.file needs keys.from: file" },
	{ "keys from databases that are not there", BEHIND("keys: {from: database}\n"),
	  "keys.from is database, but there are no databases" },
	{ "pairs and rules",
	  BEHIND("keys: {from: file, file: k, format: csv}\nrename: [{prefix: a, to: b}]\n"),
	  "job.yml:4:9: rename rules cannot be used with keys.format: csv" },
	{ "a class that does not end", BEHIND("keys: {exclude: ['[a']}\n"),
	  "job.yml:3:18: keys.exclude: '[' without ']'" },
	{ "an empty pattern", BEHIND("keys: {include: ['']}\n"),
	  "an empty pattern matches no key" },
	/* rules */
	{ "rules that are no list", BEHIND("rename: {prefix: a, to: b}\n"),
	  "'rename' must be a list of rules" },
	{ "a rule that is a word", BEHIND("rename: [a]\n"),
	  "job.yml:3:10: a rename rule is a map" },
	{ "a rule with both", BEHIND("rename: [{prefix: a, match: b, to: c}]\n"),
	  "job.yml:3:22: a rename rule has either 'prefix' or 'match', not both" },
	{ "a rule with neither", BEHIND("rename: [{to: c}]\n"),
	  "a rename rule needs 'prefix' or 'match'" },
	{ "a rule without a target", BEHIND("rename: [{prefix: c}]\n"),
	  "a rename rule needs 'to'" },
	{ "an unknown option of a rule", BEHIND("rename: [{prefx: c, to: d}]\n"),
	  "job.yml:3:11: unknown option 'prefx' in a rename rule (did you mean 'prefix'?)" },
	{ "a pattern that is wrong", BEHIND("rename: [{match: 'a(b', to: d}]\n"),
	  "job.yml:3:18: pattern 'a(b': missing closing parenthesis" },
	{ "a group that does not exist", BEHIND("rename: [{match: '(a)', to: 'x$2'}]\n"),
	  "job.yml:3:29: the pattern has no group '2'" },
	{ "a named group that does not exist", BEHIND("rename: [{match: '(?<a>a)', to: '${b}'}]\n"),
	  "the pattern has no group 'b'" },
	{ "a dollar alone", BEHIND("rename: [{match: a, to: 'a$'}]\n"), "'$' needs a group" },
	{ "UTF mode", BEHIND("rename: [{match: '(*UTF)a', to: b}]\n"), "using UTF is disabled" },
	{ "unmatched without rules", BEHIND("unmatched: skip\n"), "'unmatched' has no meaning" },
	/* value patterns */
	{ "no key in a value", DATABASE("value: abc"),
	  "job.yml:3:54: value: 'abc': {key} must stand in it" },
	{ "two keys in a value", DATABASE("value: '{key}{key}'"), "{key} stands twice" },
	{ "another name in a value", DATABASE("new_value: '{kye}'"),
	  "new_value: '{kye}': only {key} and {key:url} can stand in braces" },
	{ "a brace alone", DATABASE("value: '{key}}'"), "'}' without '{'" },
	/* the environment, secrets */
	{ "a variable that is not set", BEHIND("job: ${NOT_SET_AT_ALL}\n"),
	  "job.yml:3:6: the environment variable NOT_SET_AT_ALL is not set" },
	{ "a reference that does not end", BEHIND("job: '${HOME'\n"),
	  "job.yml:3:6: '${' needs a name and '}'" },
	{ "a reference inside braces", BEHIND("copy: {verify: ${LEVEL}}\n"),
	  "job.yml:3:17: not valid YAML: ${...} inside { } or [ ] needs quotes" },
	{ "a reference without a name", BEHIND("job: '${}'\n"), "'${' needs a name and '}'" },
	{ "a reference with an unknown operator", BEHIND("job: '${HOME-x}'\n"),
	  "'${' needs a name and '}'" },
	{ "a secret for all to read",
	  "source: {plugin: files, root: a, secret_key: abcd}\ndestination: {plugin: files, root: "
	  "b}\n",
	  "job.yml:1:46: 'secret_key' is a secret, but others may read this file: use ${VARIABLE} "
	  "or "
	  "secret_key_file, or chmod 600" },
	{ "a default is not the environment",
	  "source: {plugin: files, root: a, secret_key: '${NOT_SET:-abcd}'}\n"
	  "destination: {plugin: files, root: b}\n",
	  "'secret_key' is a secret, but others may read this file" },
	{ "a password in a URL",
	  "source: {plugin: files, root: a, endpoint: 'http://u:pass@h/'}\n"
	  "destination: {plugin: files, root: b}\n",
	  "'endpoint' holds a secret, but others may read this file" },
	{ "a secret by value and by file",
	  "source: {plugin: files, root: a, secret_key: a, secret_key_file: b}\n"
	  "destination: {plugin: files, root: b}\n",
	  "job.yml:1:49: 'secret_key' and 'secret_key_file' exclude each other" },
	{ "a secret file that is not there",
	  "source: {plugin: files, root: a, secret_key_file: none}\n"
	  "destination: {plugin: files, root: b}\n",
	  "none': No such file or directory" },
	{ "a secret file that is a folder",
	  "source: {plugin: files, root: a, secret_key_file: .}\n"
	  "destination: {plugin: files, root: b}\n",
	  "is not a regular file" },
};

START_TEST(is_refused_where_and_why)
{
	struct error err;
	struct job *j = fixture_load(cases[_i].text, &err);

	ck_assert_msg(!j, "%s: was accepted", cases[_i].why);
	ck_assert_int_eq(err.exit, EXIT_USAGE);
	ck_assert_msg(strstr(err.text, cases[_i].says) != NULL, "%s: said\n%s\ninstead of\n%s",
		      cases[_i].why, err.text, cases[_i].says);
}
END_TEST

START_TEST(all_problems_are_told_at_once_in_the_order_of_the_file)
{
	static const char text[] = "source: {plugin: files, root: a, buckt: b}\n"
				   "copy: {verify: x}\n"
				   "batch: y\n"
				   "destination: {plugin: files}\n"
				   "rename: [{match: '(', to: b}]\n";
	struct error err;
	const char *at = NULL;

	ck_assert_ptr_null(fixture_load(text, &err));
	for (int line = 1; line <= 5; line++) {
		char place[32];

		snprintf(place, sizeof(place), "job.yml:%d:", line);
		ck_assert_msg(strstr(err.text, place) > at, "line %d is not in its place:\n%s",
			      line, err.text);
		at = strstr(err.text, place);
	}
	ck_assert_ptr_null(strstr(err.text, "more problems"));
}
END_TEST

START_TEST(problems_that_do_not_fit_are_counted)
{
	static char text[65536];
	struct error err;
	size_t n = 0;

	for (int i = 0; i < 500; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "unknown_option_number_%d: 1\n",
				      i);
	ck_assert_ptr_null(fixture_load(text, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "job.yml:1:1: unknown option"));
	ck_assert_ptr_nonnull(strstr(err.text, "more problems"));
	ck_assert_uint_lt(strlen(err.text), sizeof(err.text));
}
END_TEST

START_TEST(a_secret_does_not_stand_in_a_message)
{
	struct error err;

	ck_assert_ptr_null(fixture_load("source: {plugin: files, root: a, secret_key: hidden77, "
					"endpoint: 'u:hidden77@x y'}\n"
					"destination: {plugin: files}\n",
					&err));
	ck_assert_msg(!strstr(err.text, "hidden77"), "%s", err.text);
}
END_TEST

START_TEST(hostile_bytes_come_out_escaped)
{
	struct error err;

	ck_assert_ptr_null(fixture_load("\"a\\e[2J\\nb\": 1\n", &err));
	ck_assert_ptr_null(strchr(err.text, '\033'));
	ck_assert_ptr_nonnull(strstr(err.text, "a\\x1b[2J\\x0ab"));
}
END_TEST

/* ---- Bombs ---- */

static char *repeated(const char *head, const char *unit, size_t bytes, size_t *n)
{
	size_t h = strlen(head), u = strlen(unit), count = (bytes - h) / u;
	char *text = malloc(h + count * u + 1);

	ck_assert_ptr_nonnull(text);
	memcpy(text, head, h);
	for (size_t i = 0; i < count; i++)
		memcpy(text + h + i * u, unit, u);
	*n = h + count * u;
	text[*n] = '\0';
	return text;
}

#define MIB ((size_t)1 << 20)
static const struct {
	const char *why, *head, *unit;
	size_t bytes;
	const char *says;
} bombs[] = {
	{ "a file that is too large", "", "# comment\n", MIB + 100,
	  "the file is larger than 1 MiB" },
	{ "nested flow lists", "a: ", "[", 200000, "nested too deeply" },
	{ "nested flow maps", "", "{a: ", MIB, "nested too deeply" },
	{ "nested block lists", "", "- ", MIB, "nested too deeply" },
	{ "nested complex names", "", "? ", MIB, "" },
	{ "many names", "", "a: b\n", MIB, "too many values" },
	{ "many items", "a:\n", "- b\n", MIB, "too many values" },
	{ "many empty items", "a: [", ",", MIB, "" },
	{ "one long word", "", "a", MIB, "" },
	{ "one long quoted text", "a: \"", "b \\n", MIB, "" },
	{ "many folded lines", "a: 'b", "\n\n", MIB, "" },
	{ "one long comment", "#", "#", MIB, "the file is empty" },
	{ "many directives", "", "%TAG !a! b\n", MIB, "directives" },
	{ "many colons", "", ":", MIB, "" },
	{ "many documents", "", "---\n", MIB, "a second document" },
	{ "billion laughs", "a: &a [l, l]\n", "b: [*a, *a]\n", MIB, "anchors" },
	{ "a long indentation", "a:\n", " ", MIB, "" },
	{ "many quotes", "", "'", MIB, "" },
	{ "many references", "job: '", "${HOME}", MIB, "" },
	{ "many dollars", "job: '", "$", MIB, "" },
	{ "zero bytes", "", "\1", MIB, "" },
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A tenth of a second, of our own time: what else the machine does is not our fault. */
START_TEST(a_bomb_is_refused_at_once)
{
	const struct job_load_options how = { .find = fixture_find };
	struct error err = ERROR_INIT;
	size_t n;
	char *text = repeated(bombs[_i].head, bombs[_i].unit, bombs[_i].bytes, &n);
	double start, took;

	fixture_write("job.yml", text, n, 0600);
	free(text);
	start = seconds();
	ck_assert_ptr_null(job_load("job.yml", &how, &err));
	took = seconds() - start;
	ck_assert_msg(strstr(err.text, bombs[_i].says) != NULL, "%s: said %s", bombs[_i].why,
		      err.text);
	ck_assert_msg(took < 0.1, "%s: took %.3f s", bombs[_i].why, took);
}
END_TEST

START_TEST(a_NUL_says_where_it_is)
{
	const struct job_load_options how = { .find = fixture_find };
	struct error err = ERROR_INIT;

	fixture_write("job.yml", "job: a\nbatch: \0\n", 16, 0600);
	ck_assert_ptr_null(job_load("job.yml", &how, &err));
	ck_assert_str_eq(err.text, "job.yml:2:8: a NUL cannot stand in a job file");
}
END_TEST

START_TEST(only_a_regular_file_is_a_job_file)
{
	const struct job_load_options how = { .find = fixture_find };
	struct error err = ERROR_INIT;

	ck_assert_ptr_null(job_load("none.yml", &how, &err));
	ck_assert_str_eq(err.text, "none.yml: cannot open: No such file or directory");
	ck_assert_ptr_null(job_load(".", &how, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "this is a folder, not a job file"));
	ck_assert_int_eq(mkfifo("pipe.yml", 0600), 0);
	ck_assert_ptr_null(job_load("pipe.yml", &how, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "pipe.yml: this is a pipe"));
	ck_assert_ptr_null(job_load("/dev/null", &how, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "this is not a regular file"));
	ck_assert_ptr_null(job_load("no/folder/job.yml", &how, &err));
	ck_assert_int_eq(err.exit, EXIT_USAGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("job-refused");
	TCase *t = tcase_create("job-refused");

	tcase_add_checked_fixture(t, fixture_enter, fixture_leave);
	tcase_add_loop_test(t, is_refused_where_and_why, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(t, all_problems_are_told_at_once_in_the_order_of_the_file);
	tcase_add_test(t, problems_that_do_not_fit_are_counted);
	tcase_add_test(t, a_secret_does_not_stand_in_a_message);
	tcase_add_test(t, hostile_bytes_come_out_escaped);
	tcase_add_loop_test(t, a_bomb_is_refused_at_once, 0, sizeof(bombs) / sizeof(bombs[0]));
	tcase_add_test(t, a_NUL_says_where_it_is);
	tcase_add_test(t, only_a_regular_file_is_a_job_file);
	suite_add_tcase(s, t);
	return run_tap(s);
}
