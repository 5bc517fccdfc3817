/* SPDX-License-Identifier: MIT */
#include "plugin/end-impl.h"
#include "s3-help.h"

#include <stdio.h>

/* Documents and heads of answers: what servers say, and what nobody may say. */

static struct s3_session *session;
static char seen[4096];

static void setup(void)
{
	session = calloc(1, sizeof(*session));
	ck_assert_ptr_nonnull(session);
	seen[0] = '\0';
}

static void teardown(void)
{
	text_release(&session->answer.head);
	text_release(&session->answer.body);
	free(session);
}

static bool note(void *arg, const char *path, char *text, size_t n)
{
	size_t at = strlen(seen);

	(void)arg;
	snprintf(seen + at, sizeof(seen) - at, "%s=%.*s\n", path, (int)n, text);
	return true;
}

static bool parse(const char *document, char root[64])
{
	const char *trouble;

	seen[0] = '\0';
	return s3_xml_parse(document, strlen(document), note, NULL, root, &trouble);
}

START_TEST(documents_are_told_by_path)
{
	char root[64];

	ck_assert(parse("<?xml version=\"1.0\"?>\n<R xmlns=\"http://s3\"><A>1</A>"
			"<C><Key>a &amp; b&#10;</Key><E/></C></R>",
			root));
	ck_assert_str_eq(root, "R");
	ck_assert_str_eq(seen, "A=1\nC/Key=a & b\n\nC/E=\nC=\n");
}
END_TEST

START_TEST(prefixes_do_not_matter)
{
	char root[64];

	ck_assert(parse("<s:R xmlns:s=\"x\"><s:A>1</s:A></s:R>", root));
	ck_assert_str_eq(root, "R");
	ck_assert(!parse("<R><A>1</R>", root));
	ck_assert(parse("<R><A>2</A></R>", root));
	ck_assert_str_eq(seen, "A=2\n");
}
END_TEST

START_TEST(hostile_documents_are_refused)
{
	static const char *const hostile[] = {
		"",
		"no document",
		"<R><A>1</A>",
		"<R></R><R></R>",
		"<!DOCTYPE R><R/>",
		"<!DOCTYPE R [<!ENTITY a \"b\">]><R>&a;</R>",
		"<!DOCTYPE R SYSTEM \"file:///etc/passwd\"><R/>",
		"<R>&unknown;</R>",
		"<R><A>\001</A></R>",
		("<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a>"
		 "</a></a></a></a></a></a></a></a></a></a></a></a>"),
	};
	char root[64];

	for (size_t i = 0; i < COUNT(hostile); i++)
		ck_assert_msg(!parse(hostile[i], root), "%s", hostile[i]);
}
END_TEST

START_TEST(characters_that_xml_lacks_are_understood)
{
	char root[64];

	ck_assert(parse("<R><Key>esc&#x1b;[2J&#1;&#x1F;</Key><B>&#65;&#x9;&#xA;</B></R>", root));
	ck_assert_str_eq(seen, "Key=esc\033[2J\001\037\nB=A\t\n\n");
	ck_assert(parse("<R><Key>\357\267\253</Key></R>", root)); /* the stand-in itself */
	ck_assert_str_eq(seen, "Key=\357\267\253\n");
	ck_assert(!parse("<R><Key>\357\267\253&#x1b;</Key></R>", root));
	ck_assert(!parse("<R><Key><![CDATA[&#x1b;]]></Key><A>&#x1b;</A></R>", root));
	ck_assert(!parse("<R>&#0;</R>", root));
	ck_assert(!parse("<R>&#x1b</R>", root));
	ck_assert(!parse("<R>&#x1bbbbbbbbbbb;</R>", root));
	ck_assert(!parse("<R>&#x1b;&#x", root));
}
END_TEST

START_TEST(texts_have_an_end)
{
	struct text t = { .p = NULL };
	char root[64];

	text_str(&t, "<R><A>");
	for (int i = 0; i < 40000; i++)
		text_char(&t, 'a');
	text_str(&t, "</A></R>");
	ck_assert(!parse(t.p, root));
	text_release(&t);
}
END_TEST

/* before, then names n0, n1, ... each with that behind it, then after. */
static bool parse_many(const char *before, const char *open, const char *close, unsigned int count,
		       const char *after)
{
	struct text t = { .p = NULL };
	char root[64];
	bool ok;

	text_str(&t, before);
	for (unsigned int i = 0; i < count; i++)
		text_printf(&t, "%sn%u%s", open, i, close);
	text_str(&t, after);
	ok = parse(t.p, root);
	text_release(&t);
	return ok;
}

static bool ignore(void *arg, const char *path, char *text, size_t n)
{
	(void)arg, (void)path, (void)text, (void)n;
	return true;
}

/* A page of 1,000 entries with all that they can have is far below. */
START_TEST(elements_and_tags_have_an_end)
{
	struct text t = { .p = NULL };
	const char *trouble;
	char root[64];

	ck_assert(!parse_many("<R>", "<", "/>", 100001, "</R>"));
	ck_assert(!parse_many("<R ", "", "='' ", 2000, "/>"));
	ck_assert(!parse_many("<R ", "", "='>' ", 2000, "/>"));
	ck_assert(parse_many("<R ", "", "='>' ", 200, "/>"));
	text_str(&t, "<R>");
	for (unsigned int i = 0; i < 20000; i++)
		text_str(&t, "<C a=\"it's\">it's</C>");
	text_str(&t, "</R>");
	ck_assert(s3_xml_parse(t.p, t.n, ignore, NULL, root, &trouble));
	text_release(&t);
}
END_TEST

START_TEST(what_xml_cannot_say_is_known)
{
	struct text t = { .p = NULL };

	ck_assert(s3_xml_can_say((const unsigned char *)"a\tb\nc", 5));
	ck_assert(!s3_xml_can_say((const unsigned char *)"a\033b", 3));
	ck_assert(!s3_xml_can_say((const unsigned char *)"\357\277\277", 3));
	s3_xml_escape(&t, BYTES_OF("<a>&\"\r\n"));
	ck_assert_str_eq(t.p, "&lt;a&gt;&amp;\"&#13;&#10;");
	text_release(&t);
}
END_TEST

START_TEST(error_documents_are_read)
{
	static struct s3 s3;

	session->s3 = &s3;
	text_str(&session->answer.body, "\n <Error><Code>SlowDown</Code><Message>no\nmore</Message>"
					"<Region>eu-west-1</Region></Error>");
	ck_assert(s3_error_parse(session));
	ck_assert_str_eq(session->answer.code, "SlowDown");
	ck_assert_str_eq(session->answer.region, "eu-west-1");
	text_reset(&session->answer.body);
	text_str(&session->answer.body, "<html><Code>AccessDenied</Code></html>");
	ck_assert(!s3_error_parse(session));
	ck_assert_str_eq(session->answer.code, "");
}
END_TEST

/* Also one that is longer than a message may be. */
START_TEST(what_an_error_document_repeats_of_our_secrets_is_blanked)
{
	static struct s3 s3 = { .sse_c_key = "c3NlLWMta2V5" };

	session->s3 = &s3;
	text_copy(session->keys.secret, sizeof(session->keys.secret), "wJalrXUtnFEMI");
	memset(session->keys.token, 't', 400);
	text_str(&session->answer.body, "<Error><Code>x</Code><Message>you sent wJalrXUtnFEMI, "
					"c3NlLWMta2V5, ");
	text_str(&session->answer.body, session->keys.token);
	text_str(&session->answer.body, "</Message></Error>");
	ck_assert(s3_error_parse(session));
	ck_assert_ptr_null(strstr(session->answer.message, "wJalr"));
	ck_assert_ptr_null(strstr(session->answer.message, "c3NlL"));
	ck_assert_ptr_null(strstr(session->answer.message, "tttt"));
	ck_assert_ptr_nonnull(strstr(session->answer.message, "you sent ****"));
}
END_TEST

/* Also where the blanks are the secret. */
START_TEST(blanking_ends)
{
	static struct s3 s3;

	session->s3 = &s3;
	text_copy(session->keys.secret, sizeof(session->keys.secret), "**********");
	text_str(&session->answer.body, "<Error><Code>x</Code><Message>********************"
					"</Message></Error>");
	ck_assert(s3_error_parse(session));
	ck_assert_str_eq(session->answer.message, "********************");
}
END_TEST

static const struct {
	long http;
	const char *code;
	enum migrate_status status;
} errors[] = {
	{ 404, "NoSuchKey", MIGRATE_NOT_FOUND },
	{ 404, "", MIGRATE_NOT_FOUND },
	{ 404, "NoSuchBucket", MIGRATE_UNAVAILABLE },
	{ 404, "NoSuchUpload", MIGRATE_NOT_FOUND },
	{ 412, "PreconditionFailed", MIGRATE_CHANGED },
	{ 409, "ConditionalRequestConflict", MIGRATE_TRANSIENT },
	{ 400, "BadDigest", MIGRATE_MISMATCH },
	{ 400, "IncompleteBody", MIGRATE_MISMATCH },
	{ 400, "RequestTimeout", MIGRATE_TRANSIENT },
	{ 400, "KeyTooLongError", MIGRATE_INVALID },
	{ 400, "NobodyKnows", MIGRATE_INVALID },
	{ 400, "KMS.ThrottlingException", MIGRATE_THROTTLED },
	{ 400, "KMS.DisabledException", MIGRATE_DENIED },
	{ 400, "ExpiredToken", MIGRATE_UNAVAILABLE },
	{ 403, "AccessDenied", MIGRATE_DENIED },
	{ 403, "InvalidObjectState", MIGRATE_INVALID },
	{ 403, "", MIGRATE_DENIED },
	{ 429, "", MIGRATE_THROTTLED },
	{ 503, "SlowDown", MIGRATE_THROTTLED },
	{ 503, "", MIGRATE_THROTTLED },
	{ 500, "InternalError", MIGRATE_TRANSIENT },
	{ 500, "", MIGRATE_TRANSIENT },
	{ 200, "InternalError", MIGRATE_TRANSIENT },
	{ 200, "SlowDown", MIGRATE_THROTTLED },
	{ 501, "NotImplemented", MIGRATE_UNSUPPORTED },
	{ 507, "", MIGRATE_NO_SPACE },
	{ 301, "PermanentRedirect", MIGRATE_UNAVAILABLE },
};

START_TEST(each_error_has_its_status)
{
	ck_assert_int_eq(s3_status_of(errors[_i].http, errors[_i].code), errors[_i].status);
}
END_TEST

static void line(const char *text)
{
	ck_assert(s3_answer_line(&session->answer, text, strlen(text)));
}

static int64_t told_to_wait(const char *date, const char *after)
{
	static struct migrate_session ms;
	char line[128];

	ms.retry_after = 0;
	session->ms = &ms;
	session->method = "GET";
	session->answer.status = 503;
	text_reset(&session->answer.head);
	snprintf(line, sizeof(line), "Date: %s", date);
	ck_assert(s3_answer_line(&session->answer, line, strlen(line)));
	snprintf(line, sizeof(line), "Retry-After: %s", after);
	ck_assert(s3_answer_line(&session->answer, line, strlen(line)));
	ck_assert_int_eq(s3_fail_answer(session, "it"), MIGRATE_THROTTLED);
	return ms.retry_after;
}

START_TEST(a_server_says_when_to_come_back)
{
	static const char now[] = "Wed, 21 Oct 2015 07:28:00 GMT";

	ck_assert_int_eq(told_to_wait(now, "7"), 7000);
	ck_assert_int_eq(told_to_wait(now, "Wed, 21 Oct 2015 07:28:30 GMT"), 30000);
	ck_assert_int_eq(told_to_wait(now, "Wed, 21 Oct 2015 07:27:00 GMT"), 0);
	ck_assert_int_eq(told_to_wait(now, "Wed, 21 Oct 2099 07:27:00 GMT"), 0);
	ck_assert_int_eq(told_to_wait(now, "soon"), 0);
	ck_assert_int_eq(told_to_wait(now, "99999999999999999999"), 0);
}
END_TEST

START_TEST(the_last_head_counts)
{
	line("HTTP/1.1 100 Continue\r\n");
	line("ETag: \"old\"\r\n");
	line("HTTP/1.1 200 OK\r\n");
	line("ETag:   \"new\" \r\n");
	line("X-Amz-Meta-Colour: blue: really\r\n");
	line("no colon here\r\n");
	line("\r\n");
	ck_assert_str_eq(s3_answer_header(session, "etag"), "\"new\"");
	ck_assert_str_eq(s3_answer_header(session, "x-amz-meta-colour"), "blue: really");
	ck_assert_ptr_null(s3_answer_header(session, "no colon here"));
}
END_TEST

START_TEST(heads_have_an_end)
{
	char text[1024];
	bool ok = true;
	int i;

	memset(text, 'a', sizeof(text));
	text[1] = ':';
	for (i = 0; ok && i < 1000; i++)
		ok = s3_answer_line(&session->answer, text, sizeof(text));
	ck_assert(!ok);
	ck_assert_int_lt(i, 70);
}
END_TEST

/* Interim answers count too, and lines that are no header. */
START_TEST(heads_have_an_end_together)
{
	static const char *const lines[] = { "HTTP/1.1 100 Continue\r\n", "A: b\r\n", "no\r\n" };
	int i;

	for (i = 0; i < 10000; i++)
		if (!s3_answer_line(&session->answer, lines[i % 3], strlen(lines[i % 3])))
			break;
	ck_assert_int_lt(i, 6000);
}
END_TEST

START_TEST(what_comes_behind_the_body_is_no_head)
{
	line("HTTP/1.1 200 OK\r\n");
	line("ETag: \"one\"\r\n");
	session->answer.body_began = true;
	line("HTTP/1.1 404 None\r\n");
	line("ETag: \"two\"\r\n");
	line("X-Amz-Meta-Late: yes\r\n");
	ck_assert_str_eq(s3_answer_header(session, "etag"), "\"one\"");
	ck_assert_ptr_null(s3_answer_header(session, "x-amz-meta-late"));
}
END_TEST

static const struct {
	const char *value;
	size_t n;
	const char *sent;
} values[] = {
	{ BYTES_OF("blue"), "blue" },
	{ BYTES_OF(""), "" },
	{ BYTES_OF("two words"), "two words" },
	{ BYTES_OF(" edge "), "=?UTF-8?B?IGVkZ2Ug?=" },
	{ BYTES_OF("\303\251"), "=?UTF-8?B?w6k=?=" },
	{ BYTES_OF("a\r\nx-amz-acl: public-read"),
	  "=?UTF-8?B?YQ0KeC1hbXotYWNsOiBwdWJsaWMtcmVhZA==?=" },
	{ BYTES_OF("=?UTF-8?B?w6k=?="), "=?UTF-8?B?PT9VVEYtOD9CP3c2az0/PQ==?=" },
};

START_TEST(values_come_back_and_hold_no_line_end)
{
	struct text sent = { .p = NULL }, back = { .p = NULL };

	ck_assert(s3_encode_value(&sent, values[_i].value, values[_i].n));
	ck_assert_str_eq(text_get(&sent), values[_i].sent);
	s3_decode_word(&back, text_get(&sent));
	ck_assert_uint_eq(back.n, values[_i].n);
	ck_assert_mem_eq(text_get(&back), values[_i].value, back.n);
	text_release(&sent);
	text_release(&back);
}
END_TEST

START_TEST(servers_words_are_understood)
{
	static const char *const words[][2] = {
		{ "=?UTF-8?Q?caf=C3=A9_au?=", "caf\303\251 au" },
		{ "=?utf-8?b?YQ==?= =?UTF-8?B?Yg==?=", "ab" },
		{ "=?ISO-8859-1?Q?=E9?=", "=?ISO-8859-1?Q?=E9?=" },
		{ "=?UTF-8?B?YQ==?= tail", "=?UTF-8?B?YQ==?= tail" },
		{ "=?UTF-8?B?!!?=", "=?UTF-8?B?!!?=" },
		{ "=?UTF-8?Q?=4", "=?UTF-8?Q?=4" },
	};
	struct text t = { .p = NULL };

	for (size_t i = 0; i < COUNT(words); i++) {
		text_reset(&t);
		s3_decode_word(&t, words[i][0]);
		ck_assert_str_eq(t.p, words[i][1]);
	}
	text_release(&t);
}
END_TEST

START_TEST(times_are_understood)
{
	int64_t ns;

	ck_assert(time_parse("Wed, 21 Oct 2015 07:28:00 GMT", &ns));
	ck_assert_int_eq(ns, INT64_C(1445412480) * 1000000000);
	ck_assert(time_parse("2015-10-21T07:28:00.250Z", &ns));
	ck_assert_int_eq(ns, INT64_C(1445412480250) * 1000000);
	ck_assert(time_parse("2024-02-29T00:00:00Z", &ns));
	ck_assert_int_eq(ns, INT64_C(1709164800) * 1000000000);
	ck_assert(time_parse("2024-02-29T02:00:00+02:00", &ns));
	ck_assert_int_eq(ns, INT64_C(1709164800) * 1000000000);
	ck_assert(time_parse("2024-02-28T19:30:00.000-0430", &ns));
	ck_assert_int_eq(ns, INT64_C(1709164800) * 1000000000);
	ck_assert(!time_parse("2024-02-28T19:30:00+2", &ns));
	ck_assert(!time_parse("yesterday", &ns));
	ck_assert(!time_parse("2015-13-21T07:28:00Z", &ns));
	ck_assert(!time_parse("Wed, 21 Foo 2015 07:28:00 GMT", &ns));
}
END_TEST

static void add(TCase *t)
{
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, documents_are_told_by_path);
	tcase_add_test(t, prefixes_do_not_matter);
	tcase_add_test(t, hostile_documents_are_refused);
	tcase_add_test(t, characters_that_xml_lacks_are_understood);
	tcase_add_test(t, texts_have_an_end);
	tcase_add_test(t, elements_and_tags_have_an_end);
	tcase_add_test(t, what_xml_cannot_say_is_known);
	tcase_add_test(t, error_documents_are_read);
	tcase_add_test(t, what_an_error_document_repeats_of_our_secrets_is_blanked);
	tcase_add_test(t, blanking_ends);
	tcase_add_loop_test(t, each_error_has_its_status, 0, (int)COUNT(errors));
	tcase_add_test(t, a_server_says_when_to_come_back);
	tcase_add_test(t, the_last_head_counts);
	tcase_add_test(t, heads_have_an_end);
	tcase_add_test(t, heads_have_an_end_together);
	tcase_add_test(t, what_comes_behind_the_body_is_no_head);
	tcase_add_loop_test(t, values_come_back_and_hold_no_line_end, 0, (int)COUNT(values));
	tcase_add_test(t, servers_words_are_understood);
	tcase_add_test(t, times_are_understood);
}

int main(void)
{
	return run_suite("s3-answers", add);
}
