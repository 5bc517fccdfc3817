/* SPDX-License-Identifier: MIT */
#include "../../plugins/mysql/mysql-impl.h"

#include "../../plugins/common/condition.h"
#include "plugin/end-impl.h"
#include "tap.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the plugin mysql makes without a server: addresses, literals, identities, statements. */

static struct migrate_session session;

static struct migrate_bytes bytes(const char *text)
{
	return (struct migrate_bytes){ .p = text, .n = strlen(text) };
}

static const char *or_none(const char *text)
{
	return text ? text : "-";
}

/* user password host port database socket ssl ca, with - for what is not said */
static char *shown(const struct address *a)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s %s %s %u %s %s %d %s", or_none(a->user),
		 or_none(a->password), or_none(a->host), a->port, or_none(a->database),
		 or_none(a->socket), (int)a->ssl, or_none(a->ca_file));
	return text;
}

/* ---- Addresses ---- */

static const struct {
	const char *uri, *is; /* NULL: refused */
} uris[] = {
	{ "mysql://app:secret@db.example.com:3307/shop",
	  "app secret db.example.com 3307 shop - 0 -" },
	{ "mariadb://app@db/shop", "app - db 0 shop - 0 -" },
	{ "mysql:///shop?socket=/run/my.sock", "- - - 0 shop /run/my.sock 0 -" },
	{ "mysql://a%40b:p%3Aq%2Fr%25@[::1]:1/d%20b", "a@b p:q/r% ::1 1 d b - 0 -" },
	{ "mysql://[::1]/d", "- - ::1 0 d - 0 -" },
	{ "mysql://h/d?ssl-mode=VERIFY_IDENTITY&ssl-ca=/a%26b", "- - h 0 d - 1 /a&b" },
	{ "mysql://h/d?ssl-mode=disabled\n", "- - h 0 d - 3 -" },
	{ "mysql://h", "- - h 0 - - 0 -" },
	{ "mysql://u:p@w@h/d", NULL },
	{ "mysql://h:0/d", NULL },
	{ "mysql://h:65536/d", NULL },
	{ "mysql://h:33x/d", NULL },
	{ "mysql://h:/d", NULL },
	{ "mysql://[::1/d", NULL },
	{ "mysql://u:%4@h/d", NULL },
	{ "mysql://u:%zz@h/d", NULL },
	{ "mysql://u:a%00b@h/d", NULL },
	{ "mysql://h/d?local-infile=1", NULL },
	{ "mysql://h/d?ssl-mode=preferred", NULL },
	{ "mysql://h/d?socket", NULL },
};

START_TEST(reads_addresses)
{
	struct address a = { .option = "connection" };
	struct self self = { .session = &session };
	enum migrate_status status = uri_read(&self, bytes(uris[_i].uri), &a);

	if (uris[_i].is) {
		ck_assert_int_eq(status, MIGRATE_OK);
		ck_assert_str_eq(shown(&a), uris[_i].is);
	} else {
		ck_assert_int_eq(status, MIGRATE_INVALID);
		ck_assert_ptr_null(strstr(session.message, "p@w"));
	}
	address_release(&a);
}
END_TEST

START_TEST(knows_this_machine)
{
	static const char *const here[] = { "localhost", "127.0.0.1", "127.9.9.9", "::1" };
	static const char *const away[] = { "db", "127.0.0.1.example.com", "10.0.0.1", "127x", "" };
	struct address a = { .port = 1 };

	ck_assert(address_is_here(&a));
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		ck_assert(address_set(&a, "host", bytes(here[i])));
		ck_assert_msg(address_is_here(&a), "%s", here[i]);
	}
	for (size_t i = 0; i + 1 < sizeof(away) / sizeof(away[0]); i++) {
		ck_assert(address_set(&a, "host", bytes(away[i])));
		ck_assert_msg(!address_is_here(&a), "%s", away[i]);
	}
	address_release(&a);
}
END_TEST

static const struct {
	const char *text, *is;
} files[] = {
	{ "[client]\nuser=app\npassword=\"a # b\"\nport = 3307\n", "app a # b - 3307 - - 0 -" },
	{ "# c\n[mysqldump]\nuser=no\n[client-server]\r\nhost = db \r\n", "- - db 0 - - 0 -" },
	{ "[client]\nssl_ca=/ca\nssl-mode=required\ninit-command=DROP\nquick\n",
	  "- - - 0 - - 2 /ca" },
	{ "[migrate]\npassword='it''s\\s\\\\'\ndatabase=d", "- it''s \\ - 0 d - 0 -" },
	{ "[client\nuser=no\n", "- - - 0 - - 0 -" },
	{ "", "- - - 0 - - 0 -" },
	{ "[client]\nport=many\n", NULL },
	{ "[client]\nssl-mode=perhaps\n", NULL },
};

START_TEST(reads_option_files)
{
	struct address a = { .option = "connection" };
	struct self self = { .session = &session };
	enum migrate_status status = options_read(&self, bytes(files[_i].text), &a);

	ck_assert_int_eq(status, files[_i].is ? MIGRATE_OK : MIGRATE_INVALID);
	if (files[_i].is)
		ck_assert_str_eq(shown(&a), files[_i].is);
	address_release(&a);
}
END_TEST

/* ---- Literals ---- */

START_TEST(writes_values_as_digits)
{
	static const unsigned char awkward[] = { 0, '\'', '\\', 0xff, '`' };
	struct text s = { .n = 0 };

	sql_text(&s, (struct migrate_bytes){ .p = awkward, .n = sizeof(awkward) });
	text_printf(&s, " ");
	sql_binary(&s, (struct migrate_bytes){ .p = NULL, .n = 0 });
	text_printf(&s, " ");
	sql_name(&s, "a`b\\'\"");
	ck_assert_str_eq(s.p, "_utf8mb4 x'00275cff60' _binary x'' `a``b\\'\"`");
	free(s.p);
}
END_TEST

START_TEST(looks_values_up)
{
	static const char *const texts[] = { "a", "A", "a ", "", "b", "a" };
	struct migrate_bytes items[6];
	struct lookup l;

	for (size_t i = 0; i < 6; i++)
		items[i] = bytes(texts[i]);
	ck_assert(lookup_make(&l, items, 6));
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(lookup_find(&l, bytes(texts[i])), i);
	ck_assert_uint_eq(lookup_find(&l, bytes("B")), SIZE_MAX);
	lookup_release(&l);
	ck_assert(lookup_make(&l, items, 0));
	ck_assert_uint_eq(lookup_find(&l, bytes("a")), SIZE_MAX);
	lookup_release(&l);
}
END_TEST

START_TEST(counts_characters)
{
	ck_assert_uint_eq(utf8_length("", 0), 0);
	ck_assert_uint_eq(utf8_length("a\303\251\360\237\230\200", 7), 3);
	ck_assert_uint_eq(utf8_length("\303", 1), SIZE_MAX);
	ck_assert_uint_eq(utf8_length("\300\257", 2), SIZE_MAX);
	ck_assert_uint_eq(utf8_length("\355\240\200", 3), SIZE_MAX);
	ck_assert_uint_eq(utf8_length("\364\220\200\200", 4), SIZE_MAX);
	ck_assert_uint_eq(utf8_length("\377", 1), SIZE_MAX);
}
END_TEST

static const struct {
	const char *type, *value, *why;
	uint64_t width;
} stored[] = {
	{ "varchar", "\303\251\303\251", NULL, 2 },
	{ "varchar", "abc", "is too long for the column", 2 },
	{ "varchar", "ab ", "is too long for the column", 2 },
	{ "varchar", "\377", "is not valid text", 9 },
	{ "char", "a ", "ends with a blank, which a column of char(n) drops", 9 },
	{ "char", "", NULL, 9 },
};

START_TEST(knows_what_would_be_cut)
{
	struct column c = { .type = (char *)(uintptr_t)stored[_i].type, .width = stored[_i].width };
	struct instance inst = { .column = &c, .kind = KIND_TEXT };
	const char *why = value_obstacle(&inst, bytes(stored[_i].value));

	ck_assert_str_eq(why ? why : "", stored[_i].why ? stored[_i].why : "");
}
END_TEST

/* ---- Identities and statements ---- */

static char id_name[] = "id", id_sql[] = "`id`", tenant_name[] = "t", tenant_sql[] = "`t`";
static char int_type[] = "bigint", text_type[] = "varchar", charset[] = "utf8mb4";
static char path_sql[] = "`path`", table_sql[] = "`d`.`t`", index_sql[] = "`PRIMARY`",
	    bytes_sql[] = "CAST(`path` AS BINARY)";

static struct column id = { .name = id_name, .sql = id_sql, .type = int_type };
static struct column tenant = {
	.name = tenant_name, .sql = tenant_sql, .type = text_type, .charset = charset
};
static struct column path = { .sql = path_sql, .type = text_type, .charset = charset };

static size_t encode(struct self *self, char *number, unsigned char *out)
{
	struct field column = { .at = 0, .n = strlen(number) };
	struct answer answer = { .columns = 1, .rows = 1, .fields = &column, .text = number };
	struct migrate_bytes identity;
	struct row row;

	ck_assert(row_next(&answer, &row));
	ck_assert_int_eq(identity_encode(self, &row, &identity), MIGRATE_OK);
	memcpy(out, identity.p, identity.n);
	return identity.n;
}

static const struct {
	bool is_unsigned;
	char numbers[4][24];
} orders[] = {
	{ false, { "-9223372036854775808", "-1", "0", "9223372036854775807" } },
	{ true, { "0", "9223372036854775807", "9223372036854775808", "18446744073709551615" } },
};

START_TEST(orders_identities_as_the_server_does)
{
	struct instance inst = { .key_count = 1 };
	struct self self = { .instance = &inst };
	unsigned char before[16] = { 0 }, now[16];
	struct migrate_bytes parts[KEY_MAX];
	char digits[24], number[24];

	id.is_unsigned = orders[_i].is_unsigned;
	inst.key[0] = (struct key_part){ .column = &id, .form = FORM_INTEGER };
	for (size_t i = 0; i < 4; i++) {
		size_t n;

		memcpy(number, orders[_i].numbers[i], sizeof(number));
		n = encode(&self, number, now);
		ck_assert_uint_eq(n, 10);
		ck_assert(memcmp(before, now, n) < 0);
		memcpy(before, now, n);
		ck_assert(identity_split(&inst, (struct migrate_bytes){ now, n }, parts));
		identity_integer(&id, parts[0], digits, sizeof(digits));
		ck_assert_str_eq(digits, number);
		for (size_t cut = 0; cut < n; cut++)
			ck_assert(
			    !identity_split(&inst, (struct migrate_bytes){ now, cut }, parts));
	}
}
END_TEST

START_TEST(pages_by_the_index)
{
	static const unsigned char identity[] = { 0, 8, 0x80, 0, 0, 0, 0, 0, 0, 7, 0, 1, 'x' };
	const struct migrate_bytes whole = { identity, sizeof(identity) };
	struct instance inst = { .key_count = 2 };
	struct text s = { .n = 0 };

	id.is_unsigned = false;
	inst.key[0] = (struct key_part){ .column = &id, .form = FORM_INTEGER };
	inst.key[1] = (struct key_part){ .column = &tenant, .form = FORM_TEXT };
	ck_assert(text_behind(&s, &inst, whole));
	ck_assert_str_eq(s.p, "(`id` > 7 OR (`id` = 7 AND (`t` > _utf8mb4 x'78')))");
	text_reset(&s);
	ck_assert(text_keys(&s, &inst, &whole, 1));
	ck_assert_str_eq(s.p, "(`id`, `t`) IN ((7,_utf8mb4 x'78'))");
	ck_assert(!text_keys(&s, &inst, &(struct migrate_bytes){ "\0\1x", 3 }, 1));
	free(s.p);
}
END_TEST

START_TEST(changes_rows_by_a_tree)
{
	unsigned char identities[3][10] = { { 0, 8, 0x80, 0, 0, 0, 0, 0, 0, 1 },
					    { 0, 8, 0x80, 0, 0, 0, 0, 0, 0, 2 },
					    { 0, 8, 0x80, 0, 0, 0, 0, 0, 0, 3 } };
	struct migrate_change changes[3] = { { .before = { "x", 1 }, .after = { "a", 1 } },
					     { .before = { "y", 1 }, .after = { "b", 1 } },
					     { .before = { NULL, 0 }, .after = { NULL, 0 } } };
	char long_value[300] = "z";
	const struct migrate_change *members[3];
	struct migrate_bytes keys[3];
	struct instance inst = { .key_count = 1,
				 .column = &path,
				 .table_sql = table_sql,
				 .key_index = index_sql,
				 .bytes_sql = bytes_sql };
	struct self self = { .instance = &inst };

	id.is_unsigned = false;
	inst.key[0] = (struct key_part){ .column = &id, .form = FORM_INTEGER };
	for (size_t i = 0; i < 3; i++) {
		members[i] = &changes[i];
		keys[i] = (struct migrate_bytes){ identities[i], sizeof(identities[i]) };
	}
	ck_assert_int_eq(change_build(&self, members, keys, 3, true), MIGRATE_OK);
	ck_assert_str_eq(self.text.p,
			 "UPDATE `d`.`t` FORCE INDEX (`PRIMARY`) SET `path` = IF(`id` < 2,_utf8mb4 "
			 "x'61',IF(`id` < 3,_utf8mb4 x'62',_utf8mb4 x'')) WHERE `id` IN (1,2,3) "
			 "AND (`id`, CAST(`path` AS BINARY)) IN ((1,_binary x'78'),(2,_binary "
			 "x'79'),(3,_binary x''))");
	/* of what is long, a digest is compared */
	changes[1].before = (struct migrate_bytes){ long_value, sizeof(long_value) };
	ck_assert_int_eq(change_build(&self, members, keys, 3, true), MIGRATE_OK);
	ck_assert_ptr_nonnull(strstr(self.text.p, "IF(OCTET_LENGTH(CAST(`path` AS BINARY)) > 256, "
						  "UNHEX(SHA2(CAST(`path` AS BINARY), 256)), "));
	ck_assert_ptr_nonnull(strstr(self.text.p, "((1,_binary x'78'),(2,_binary x'"));
	ck_assert_uint_lt(strlen(self.text.p), 600);
	free(self.text.p);
}
END_TEST

/* After a long pause a connection is made anew, but never between a lock and what it is for. */
START_TEST(keeps_its_connection_in_a_transaction)
{
	char option[] = "connection";
	struct instance inst = { .address = { .option = option } };
	struct self self = { .instance = &inst, .session = &session };
	MYSQL *conn = mysql_init(NULL);

	ck_assert_ptr_nonnull(conn);
	self.main.conn = conn;
	self.main.used = -1000000;
	self.main.in_transaction = true;
	ck_assert_int_eq(link_ready(&self, &self.main), MIGRATE_OK);
	ck_assert_ptr_eq(self.main.conn, conn);
	self.main.conn = NULL;
	mysql_close(conn);
	ck_assert_int_eq(link_ready(&self, &self.main), MIGRATE_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(session.message, "was lost in a transaction"));
}
END_TEST

static const struct {
	const char *where;
	bool asks;
} conditions[] = {
	{ "NOT deleted", false },
	{ "service IN ('old', 'new') AND (a = 1 OR b LIKE ('x'))", false },
	{ "name = 'select (x)' AND note = 'it''s (y)'", false },
	{ "selected = 1", false },
	{ "id NOT IN (SELECT id FROM hidden)", true },
	{ "exists(select 1)", true },
	{ "is_live(id)", true },
	{ "app.\"is live\" (id)", true },
};

START_TEST(knows_conditions_that_ask_of_more_than_the_row)
{
	ck_assert(condition_asks(conditions[_i].where) == conditions[_i].asks);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mysql");
	TCase *tc = tcase_create("without a server");

	tcase_add_loop_test(tc, reads_addresses, 0, sizeof(uris) / sizeof(uris[0]));
	tcase_add_test(tc, knows_this_machine);
	tcase_add_loop_test(tc, reads_option_files, 0, sizeof(files) / sizeof(files[0]));
	tcase_add_test(tc, writes_values_as_digits);
	tcase_add_test(tc, looks_values_up);
	tcase_add_test(tc, counts_characters);
	tcase_add_loop_test(tc, knows_what_would_be_cut, 0, sizeof(stored) / sizeof(stored[0]));
	tcase_add_loop_test(tc, orders_identities_as_the_server_does, 0, 2);
	tcase_add_test(tc, pages_by_the_index);
	tcase_add_test(tc, changes_rows_by_a_tree);
	tcase_add_test(tc, keeps_its_connection_in_a_transaction);
	tcase_add_loop_test(tc, knows_conditions_that_ask_of_more_than_the_row, 0,
			    sizeof(conditions) / sizeof(conditions[0]));
	suite_add_tcase(suite, tc);
	return run_tap(suite);
}
