/* SPDX-License-Identifier: MIT */
#include "job-fixture.h"

#include "tap.h"

/* What a good job file means: defaults, the environment, --set, secrets, and what may change. */
static const char *config_text(const struct job_end *e, size_t offset)
{
	const char *text;

	memcpy(&text, (const char *)e->config + offset, sizeof(text));
	return text;
}

static char *in_folder(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", fixture_folder, name);
	return path;
}

START_TEST(the_least_job_has_all_defaults)
{
	struct job *j = fixture_good(ENDS);

	ck_assert_str_eq(j->name, "job");
	ck_assert_str_eq(j->path, "job.yml");
	ck_assert_str_eq(j->folder, fixture_folder);
	ck_assert_str_eq(j->journal_path, in_folder("job.journal"));
	ck_assert_str_eq(config_text(&j->source, offsetof(struct fixture_config, root)),
			 in_folder("old"));
	ck_assert_int_eq(j->keys_from, KEYS_FROM_SOURCE);
	ck_assert_int_eq(j->unmatched, UNMATCHED_KEEP);
	ck_assert_uint_eq(rename_rules_count(j->rules), 0);
	ck_assert_int_eq(j->copy.concurrency, 8);
	ck_assert_uint_eq(j->copy.part_size, 16u << 20);
	ck_assert_uint_eq(j->copy.memory, 256u << 20);
	ck_assert_int_eq(j->copy.on_conflict, CONFLICT_FAIL);
	ck_assert_int_eq(j->copy.verify, VERIFY_NATIVE);
	ck_assert_int_eq(j->copy.attributes, ATTRIBUTES_WARN);
	ck_assert_uint_eq(j->limits.bandwidth, 0);
	ck_assert_int_eq(j->batch, 1000);
	ck_assert_int_eq(j->attempts, 5);
	ck_assert_int_eq(j->patience, 600000);
	ck_assert_int_eq(j->timeout, 60000);
	ck_assert_int_eq(j->max_failures, 1000);
	ck_assert_int_eq(j->journal_keep, KEEP_ALL);
	ck_assert(!j->journal_allow_volatile);
	ck_assert_uint_eq(strlen(j->fingerprint), 64);
	job_free(j);
}
END_TEST

START_TEST(every_option_arrives)
{
	struct job *j = fixture_good(
	    "job: avatars\n"
	    "source:\n"
	    "  plugin: files\n  root: /abs//./x/\n  bucket: \"no\"\n  endpoint: https://h:1/p\n"
	    "  count: 9\n  wait: 2h\n  size: 5GB\n  flag: true\n  mode: three\n  names: [a, 1, "
	    "'']\n"
	    "destination: {plugin: files, root: /}\n"
	    "keys: {from: file, file: k.csv, format: nul, prefix: a/, include: ['*'], exclude: [b, "
	    "c]}\n"
	    "rename: [{prefix: a/, to: b/}, {match: '^(c)', to: '$1d'}]\n"
	    "unmatched: skip\n"
	    "databases:\n"
	    "- {plugin: rows, path: d.db, table: t, column: c, value: 'x{key}', new_value: "
	    "'y{key:url}',\n"
	    "   set: {service: s3, gone: ~, text: 'null'}}\n"
	    "caches: [{plugin: cache, url: 'redis://h/'}]\n"
	    "copy: {concurrency: auto, part_size: 8MiB, memory: 64MiB, on_conflict: overwrite,\n"
	    "  verify: readback, attributes: drop}\n"
	    "limits: {bandwidth: 50MiB/s, requests: 500/s, rows: 2000}\n"
	    "batch: 10\nattempts: 1\npatience: 0\ntimeout: 500ms\nmax_failures: 0\n"
	    "journal: {path: j/x.db, keep: failures, allow_volatile: true}\n");
	const struct fixture_config *c = j->source.config;
	const struct fixture_config *d = j->databases[0].end.config;

	ck_assert_str_eq(j->name, "avatars");
	ck_assert_str_eq(c->root, "/abs/x");
	ck_assert_str_eq(c->text, "no");
	ck_assert_str_eq(c->endpoint, "https://h:1/p");
	ck_assert_int_eq(c->wait, 7200000);
	ck_assert_uint_eq(c->size, 5000000000);
	ck_assert(c->flag);
	ck_assert_int_eq(c->mode, 2);
	ck_assert_uint_eq(c->names.n, 3);
	ck_assert_str_eq(c->names.items[1], "1");
	ck_assert_str_eq(c->names.items[2], "");
	ck_assert_str_eq(config_text(&j->destination, offsetof(struct fixture_config, root)), "/");
	ck_assert_int_eq(j->keys_from, KEYS_FROM_FILE);
	ck_assert_int_eq(j->keys_format, KEYS_NUL);
	ck_assert_str_eq(j->keys_file, in_folder("k.csv"));
	ck_assert(bytes_equal(j->selection.prefix, BYTES("a/")));
	ck_assert_uint_eq(j->selection.exclude.n, 2);
	ck_assert_int_eq(j->unmatched, UNMATCHED_SKIP);
	ck_assert_str_eq(rename_rule_text(j->rules, 0), "prefix a/ -> b/");
	ck_assert_str_eq(rename_rule_text(j->rules, 1), "match ^(c) -> $1d");
	ck_assert_uint_eq(j->database_count, 1);
	ck_assert_str_eq(j->databases[0].end.label, "databases[0] (t.c)");
	ck_assert(!value_pattern_equal(j->databases[0].value, j->databases[0].new_value));
	ck_assert_uint_eq(d->set.n, 3);
	ck_assert_str_eq(d->set.pairs[0].value, "s3");
	ck_assert_ptr_null(d->set.pairs[1].value);
	ck_assert_str_eq(d->set.pairs[2].value, "null");
	ck_assert_uint_eq(j->cache_count, 1);
	ck_assert_str_eq(j->caches[0].label, "caches[0]");
	ck_assert_int_eq(j->copy.concurrency, 8);
	ck_assert_int_eq(j->copy.verify, VERIFY_READBACK);
	ck_assert_int_eq(j->copy.on_conflict, CONFLICT_OVERWRITE);
	ck_assert_uint_eq(j->limits.bandwidth, 50u << 20);
	ck_assert_int_eq(j->limits.requests, 500);
	ck_assert_int_eq(j->limits.rows, 2000);
	ck_assert_int_eq(j->timeout, 500);
	ck_assert_str_eq(j->journal_path, in_folder("j/x.db"));
	ck_assert_int_eq(j->journal_keep, KEEP_FAILURES);
	ck_assert(j->journal_allow_volatile);
	job_free(j);
}
END_TEST

START_TEST(a_journal_that_is_a_value_is_its_path)
{
	struct job *j = fixture_good(ENDS "journal: a.journal\n");

	ck_assert_str_eq(j->journal_path, in_folder("a.journal"));
	job_free(j);
}
END_TEST

START_TEST(unmatched_keys_fail_once_there_are_rules)
{
	struct job *j = fixture_good(ENDS "rename: [{prefix: a, to: b}]\n");

	ck_assert_int_eq(j->unmatched, UNMATCHED_FAIL);
	job_free(j);
}
END_TEST

START_TEST(a_new_value_is_like_the_value_unless_given)
{
	struct job *j =
	    fixture_good(ENDS "databases: [{plugin: rows, path: d, table: t, value: 'a{key}'}]\n");

	ck_assert(value_pattern_equal(j->databases[0].value, j->databases[0].new_value));
	job_free(j);
}
END_TEST

START_TEST(the_environment_stands_in_for_scalars)
{
	struct job *j;

	setenv("T_NAME", "from: env", 1);
	setenv("T_EMPTY", "", 1);
	unsetenv("T_NONE");
	j = fixture_good("source: {plugin: files, root: '${T_NAME}', bucket: "
			 "'a${T_NONE:-b}$${c}$d${T_EMPTY:-e}'}\n"
			 "destination: {plugin: files, root: r, bucket: '${T_EMPTY}'}\n"
			 "batch: ${T_NONE:-7}\n"
			 "rename: [{match: '(?<T_NAME>a)', to: '${T_NAME}'}, {prefix: "
			 "'p${T_NONE:-q}', to: ''}]\n");
	ck_assert_str_eq(config_text(&j->source, offsetof(struct fixture_config, root)),
			 in_folder("from: env"));
	ck_assert_str_eq(config_text(&j->source, offsetof(struct fixture_config, text)),
			 "ab${c}$de");
	ck_assert_str_eq(config_text(&j->destination, offsetof(struct fixture_config, text)), "");
	ck_assert_int_eq(j->batch, 7);
	ck_assert_str_eq(rename_rule_text(j->rules, 0), "match (?<T_NAME>a) -> ${T_NAME}");
	ck_assert_str_eq(rename_rule_text(j->rules, 1), "prefix pq -> ");
	job_free(j);
}
END_TEST

/* ---- Secrets ---- */

static struct migrate_bytes secret_in(const struct job *j)
{
	return migrate_secret_reveal(((const struct fixture_config *)j->source.config)->secret_key);
}

#define WITH_SECRET(text_)                                                                         \
	"source: {plugin: files, root: a, " text_ "}\ndestination: {plugin: files, root: b}\n"

START_TEST(a_secret_comes_from_the_environment)
{
	struct job *j;

	setenv("T_SECRET", "swordfish", 1);
	j = fixture_good(WITH_SECRET("secret_key: '${T_SECRET}'"));
	ck_assert(bytes_equal(secret_in(j), BYTES("swordfish")));
	ck_assert_ptr_null(strstr(j->canonical, "swordfish"));
	ck_assert_ptr_null(strstr(yaml_get(j->source.node, "secret_key")->text, "swordfish"));
	job_free(j);
}
END_TEST

START_TEST(a_secret_may_stand_in_a_file_for_its_owner_alone)
{
	const struct job_load_options how = { .find = fixture_find };
	static const char text[] = WITH_SECRET("secret_key: abcd");
	struct error err = ERROR_INIT;
	struct job *j;

	fixture_write("own.yml", text, strlen(text), 0600);
	j = job_load("own.yml", &how, &err);
	ck_assert_msg(j != NULL, "%s", err.text);
	ck_assert(bytes_equal(secret_in(j), BYTES("abcd")));
	job_free(j);
}
END_TEST

START_TEST(a_secret_file_loses_one_newline)
{
	struct job *j;

	fixture_write("key", "ab\n\n", 4, 0600);
	j = fixture_good(WITH_SECRET("secret_key_file: key"));
	ck_assert(bytes_equal(secret_in(j), BYTES("ab\n")));
	job_free(j);
}
END_TEST

START_TEST(a_secret_file_that_others_read_is_refused)
{
	struct error err;

	fixture_write("key", "ab\n", 3, 0640);
	ck_assert_ptr_null(fixture_load(WITH_SECRET("secret_key_file: key"), &err));
	ck_assert_msg(strstr(err.text, "can be read by others: chmod 600") != NULL, "%s", err.text);
	fixture_write("key", "\n", 1, 0600);
	ck_assert_ptr_null(fixture_load(WITH_SECRET("secret_key_file: key"), &err));
	ck_assert_msg(strstr(err.text, "'secret_key_file' is empty") != NULL, "%s", err.text);
	fixture_write("key", "a\0b", 3, 0600);
	ck_assert_ptr_null(fixture_load(WITH_SECRET("secret_key_file: key"), &err));
	ck_assert_msg(strstr(err.text, "holds a NUL") != NULL, "%s", err.text);
}
END_TEST

START_TEST(secrets_are_blanked_in_texts_while_they_live)
{
	char text[] = "key swordfish, url swordfin, ab";
	struct job *j;

	setenv("T_SECRET", "swordfish", 1);
	setenv("T_URL", "https://me:swordfin@h/p?x=1&token=tttttt", 1);
	j = fixture_good(WITH_SECRET("secret_key: '${T_SECRET}', endpoint: '${T_URL}'"));
	secrets_mask(text, strlen(text));
	ck_assert_str_eq(text, "key *********, url ********, ab");
	ck_assert_msg(strstr(j->canonical, "tunable source.endpoint = https://h/p?x=1\n") != NULL,
		      "%s", j->canonical);
	ck_assert_str_eq(config_text(&j->source, offsetof(struct fixture_config, endpoint)),
			 "https://me:swordfin@h/p?x=1&token=tttttt");
	job_free(j);
	memcpy(text, "key swordfish", 13);
	secrets_mask(text, strlen(text));
	ck_assert_int_eq(strncmp(text, "key swordfish", 13), 0);
}
END_TEST

START_TEST(a_user_without_password_is_no_secret)
{
	struct job *j = fixture_good(WITH_SECRET("endpoint: 'https://me@h/'"));

	job_free(j);
}
END_TEST

/* ---- --set ---- */

START_TEST(set_changes_and_adds_values)
{
	static const char *const set[] = { "copy.verify=hash",     "batch=7",
					   "databases.0.table=u",  "keys.include.0=*.png",
					   "keys.include.1=*.jpg", "limits.rows=5/s",
					   "source.root=/x=y",     NULL };
	struct error err;
	struct job *j = fixture_load_set(
	    ENDS "batch: ${NOT_SET_AT_ALL}\ndatabases: [{plugin: rows, path: d, table: t}]\n", set,
	    &err);

	ck_assert_msg(j != NULL, "%s", err.text);
	ck_assert_int_eq(j->copy.verify, VERIFY_HASH);
	ck_assert_int_eq(j->batch, 7);
	ck_assert_str_eq(j->databases[0].end.label, "databases[0] (u)");
	ck_assert_uint_eq(j->selection.include.n, 2);
	ck_assert_int_eq(j->limits.rows, 5);
	ck_assert_str_eq(config_text(&j->source, offsetof(struct fixture_config, root)), "/x=y");
	job_free(j);
}
END_TEST

static const struct {
	const char *set, *says;
} bad_sets[] = {
	{ "batch", "--set: 'batch' is not of the form PATH=VALUE" },
	{ "=1", "--set: '=1' is not of the form PATH=VALUE" },
	{ "batch=x", "--set: 'batch' must be a whole number, not 'x'" },
	{ "btch=1", "--set: unknown option 'btch' (did you mean 'batch'?)" },
	{ "copy.verfy=hash", "--set: unknown option 'verfy' (did you mean 'verify'?)" },
	{ "copy=1", "--set: copy: this is a map, not a value" },
	{ "batch.x=1", "--set: batch.x: 'x' cannot be set" },
	{ "copy..x=1", "--set: copy..x: a name is missing in the path" },
	{ "databases.5.table=1", "--set: databases.5.table: '5' is behind the end of the list" },
	{ "databases.x=1", "--set: databases.x: 'x' is not a number" },
	{ "source.secret_key=abcd",
	  "--set: 'secret_key' is a secret: it cannot come from the command line" },
};

START_TEST(set_refuses_what_cannot_be)
{
	const char *const set[] = { bad_sets[_i].set, NULL };
	struct error err;

	ck_assert_ptr_null(fixture_load_set(
	    ENDS "batch: 1\ncopy: {memory: 1GiB}\ndatabases: [{plugin: rows, path: d, table: t}]\n",
	    set, &err));
	ck_assert_msg(strstr(err.text, bad_sets[_i].says) != NULL, "%s: %s", bad_sets[_i].set,
		      err.text);
}
END_TEST

/* ---- What may change between runs ---- */

START_TEST(the_canonical_text_is_sorted_and_complete)
{
	struct job *j = fixture_good(
	    ENDS "rename: [{prefix: a/, to: b/}]\ndatabases: [{plugin: rows, path: d, table: t, "
		 "set: {x: 'null', y: ~}}]\n");
	static const char *const lines[] = {
		"identity source.plugin = files\n",
		"mapping rename.0.prefix = a/\n",
		"mapping rename.0.to = b/\n",
		"mapping unmatched = fail\n",
		"mapping databases.0.value = {key}\n",
		"mapping databases.0.new_value = {key}\n",
		"mapping databases.0.set.x = \"null\"\n",
		"mapping databases.0.set.y = null\n",
		"identity databases.0.table = t\n",
		"selection copy.verify = native\n",
		"tunable patience = 600000ms\n",
		"tunable copy.part_size = 16777216\n",
	};
	const char *last = j->canonical;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(strstr(j->canonical, lines[i]) != NULL, "no %sin\n%s", lines[i],
			      j->canonical);
	for (const char *s = strchr(last, '\n'); s && s[1]; last = s + 1, s = strchr(s + 1, '\n')) {
		size_t n = strcspn(s + 1, "\n"), m = strcspn(last, "\n");

		ck_assert_int_le(bytes_compare(bytes_of(last, m), bytes_of(s + 1, n)), 0);
	}
	job_free(j);
}
END_TEST

#define BASE                                                                                       \
	ENDS "rename: [{prefix: a/, to: b/}]\n"                                                    \
	     "databases: [{plugin: rows, path: d, table: t}]\n"                                    \
	     "caches: [{plugin: cache, url: 'redis://h/'}]\n"

static const struct {
	const char *why, *text;
	int klass;
	const char *diff;
} changes[] = {
	{ "nothing", BASE, -1, "" },
	{ "the same, written differently",
	  "destination: {root: ./new/, plugin: 'files'}\nsource: {root: old, plugin: files}\n"
	  "batch: 1000\nrename: [{to: b/, prefix: a/}]\nunmatched: fail\n"
	  "databases: [{plugin: rows, path: d, table: t, value: '{key}'}]\n"
	  "caches: [{plugin: cache, url: 'redis://h/'}]\n",
	  -1, "" },
	{ "concurrency", BASE "copy: {concurrency: 3}\n", MIGRATE_TUNABLE,
	  "- copy.concurrency = auto\n+ copy.concurrency = 3\n" },
	{ "a filter", BASE "keys: {exclude: [x]}\n", MIGRATE_SELECTION, "+ keys.exclude.0 = x\n" },
	{ "the strictest counts", BASE "batch: 3\nkeys: {exclude: [x]}\n", MIGRATE_SELECTION,
	  "+ keys.exclude.0 = x\n" },
	{ "a rule",
	  ENDS "rename: [{prefix: a/, to: c/}]\ndatabases: [{plugin: rows, path: d, table: t}]\n"
	       "caches: [{plugin: cache, url: 'redis://h/'}]\n",
	  MIGRATE_MAPPING, "- rename.0.to = b/\n+ rename.0.to = c/\n" },
	{ "a table",
	  ENDS "rename: [{prefix: a/, to: b/}]\ndatabases: [{plugin: rows, path: d, table: u}]\n"
	       "caches: [{plugin: cache, url: 'redis://h/'}]\n",
	  MIGRATE_IDENTITY, "- databases.0.table = t\n+ databases.0.table = u\n" },
	{ "a database more",
	  ENDS "rename: [{prefix: a/, to: b/}]\n"
	       "databases: [{plugin: rows, path: d, table: t}, {plugin: rows, path: d, table: u}]\n"
	       "caches: [{plugin: cache, url: 'redis://h/'}]\n",
	  MIGRATE_SELECTION, "+ databases.1.table = u\n" },
	{ "a database less", ENDS "rename: [{prefix: a/, to: b/}]\n", MIGRATE_IDENTITY,
	  "- databases.0.table = t\n" },
	{ "another cache",
	  ENDS "rename: [{prefix: a/, to: b/}]\ndatabases: [{plugin: rows, path: d, table: t}]\n"
	       "caches: [{plugin: cache, url: 'redis://i/'}]\n",
	  MIGRATE_SELECTION, "- caches.0.url = redis://h/\n+ caches.0.url = redis://i/\n" },
	{ "another source",
	  "source: {plugin: files, root: other}\ndestination: {plugin: files, root: new}\n"
	  "rename: [{prefix: a/, to: b/}]\ndatabases: [{plugin: rows, path: d, table: t}]\n"
	  "caches: [{plugin: cache, url: 'redis://h/'}]\n",
	  MIGRATE_IDENTITY, "+ source.root = " },
};

START_TEST(a_change_has_the_class_of_its_option)
{
	BUF_AUTO struct buf diff = BUF_INIT(65536);
	struct job *before = fixture_good(BASE), *now = fixture_good(changes[_i].text);
	int klass = job_compare(before->canonical, now->canonical, &diff);

	ck_assert(buf_add(&diff, "", 1));
	ck_assert_msg(klass == changes[_i].klass && strstr((char *)diff.p, changes[_i].diff),
		      "%s: class %d, diff\n%s", changes[_i].why, klass, (char *)diff.p);
	ck_assert_msg((klass <= MIGRATE_SELECTION && !strstr((char *)diff.p, "database") &&
		       !strstr((char *)diff.p, "caches")) ==
			  !strcmp(before->fingerprint, now->fingerprint),
		      "%s: fingerprint", changes[_i].why);
	job_free(before);
	job_free(now);
}
END_TEST

/* ---- For editors and pages ---- */

START_TEST(the_documents_name_every_option)
{
	BUF_AUTO struct buf mdoc = BUF_INIT(1u << 20);
	BUF_AUTO struct buf json = BUF_INIT(1u << 20);
	const struct migrate_plugin *plugins[] = { &fixture_plugins[0], &fixture_plugins[1],
						   &fixture_plugins[2] };
	size_t count;
	const struct job_section *s = job_sections(&count);

	ck_assert(job_mdoc(&mdoc) && buf_add(&mdoc, "", 1));
	ck_assert(job_json_schema(plugins, 3, &json) && buf_add(&json, "", 1));
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < s[i].schema->count; k++) {
			struct migrate_option o = schema_at(s[i].schema, k);
			char text[128];

			snprintf(text, sizeof(text), ".It Cm %s : Ar", o.name);
			ck_assert_ptr_nonnull(strstr((char *)mdoc.p, text));
			snprintf(text, sizeof(text), "\"%s\":{", o.name);
			ck_assert_ptr_nonnull(strstr((char *)json.p, text));
		}
	}
	ck_assert_ptr_nonnull(strstr((char *)json.p, "\"secret_key_file\":{"));
}
END_TEST

static void add_tests(TCase *t)
{
	tcase_add_test(t, the_least_job_has_all_defaults);
	tcase_add_test(t, every_option_arrives);
	tcase_add_test(t, a_journal_that_is_a_value_is_its_path);
	tcase_add_test(t, unmatched_keys_fail_once_there_are_rules);
	tcase_add_test(t, a_new_value_is_like_the_value_unless_given);
	tcase_add_test(t, the_environment_stands_in_for_scalars);
	tcase_add_test(t, a_secret_comes_from_the_environment);
	tcase_add_test(t, a_secret_may_stand_in_a_file_for_its_owner_alone);
	tcase_add_test(t, a_secret_file_loses_one_newline);
	tcase_add_test(t, a_secret_file_that_others_read_is_refused);
	tcase_add_test(t, secrets_are_blanked_in_texts_while_they_live);
	tcase_add_test(t, a_user_without_password_is_no_secret);
	tcase_add_test(t, set_changes_and_adds_values);
	tcase_add_loop_test(t, set_refuses_what_cannot_be, 0,
			    sizeof(bad_sets) / sizeof(bad_sets[0]));
	tcase_add_test(t, the_canonical_text_is_sorted_and_complete);
	tcase_add_loop_test(t, a_change_has_the_class_of_its_option, 0,
			    sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(t, the_documents_name_every_option);
}

int main(void)
{
	Suite *s = suite_create("job");
	TCase *t = tcase_create("job");

	tcase_add_checked_fixture(t, fixture_enter, fixture_leave);
	add_tests(t);
	suite_add_tcase(s, t);
	return run_tap(s);
}
