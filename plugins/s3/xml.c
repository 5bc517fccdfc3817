/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <string.h>

/*
 * Documents of servers: no DOCTYPE, no depth, no text without end. The parser keeps each name that
 * it meets, of elements and of attributes, as long as it lives: it lives for one document, and their
 * number and the length of a tag have ends too.
 */
#define DEPTH_MAX 16
#define TEXT_MAX 32768
#define TAG_MAX 8192
#define NODES_MAX 100000 /* a page of 1,000 entries has some 20,000 */

static void stop(struct s3_xml *x, const char *why)
{
	if (!x->stopped)
		x->trouble = why;
	x->stopped = true;
	XML_StopParser(x->parser, XML_FALSE);
}

static const char *without_prefix(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static void XMLCALL on_start(void *arg, const XML_Char *full, const XML_Char **attributes)
{
	struct s3_xml *x = arg;
	const char *name = without_prefix(full);
	size_t n = strlen(name);

	if (x->stopped)
		return;
	for (x->nodes++; *attributes; attributes += 2)
		x->nodes++;
	if (x->nodes > NODES_MAX) {
		stop(x, "it has too many elements");
		return;
	}
	if (++x->depth > DEPTH_MAX || n + 2 > sizeof(x->path) - x->path_n) {
		stop(x, "it is nested too deeply");
		return;
	}
	if (x->depth == 1) {
		text_copy(x->root, sizeof(x->root), name);
	} else {
		if (x->path_n)
			x->path[x->path_n++] = '/';
		memcpy(x->path + x->path_n, name, n + 1);
		x->path_n += n;
	}
	text_reset(&x->text);
}

static void XMLCALL on_end(void *arg, const XML_Char *full)
{
	struct s3_xml *x = arg;
	char *slash;

	(void)full;
	if (x->stopped)
		return;
	if (x->text.bad) {
		stop(x, "out of memory");
		return;
	}
	text_add(&x->text, "", 0);
	if (x->stand_ins)
		x->text.n = s3_xml_undo_stand_in(x->text.p, x->text.n);
	if (x->depth > 1 && !x->end(x->arg, x->path, x->text.p, x->text.n)) {
		stop(x, "it says what cannot be");
		return;
	}
	slash = memrchr(x->path, '/', x->path_n);
	x->path_n = slash ? (size_t)(slash - x->path) : 0;
	x->path[x->path_n] = '\0';
	x->depth--;
	x->root_ended = !x->depth;
	text_reset(&x->text);
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int n)
{
	struct s3_xml *x = arg;

	if (x->stopped)
		return;
	if (x->text.n + (size_t)n > TEXT_MAX)
		stop(x, "a text in it is too long");
	else
		text_add(&x->text, text, (size_t)n);
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
			       const XML_Char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	stop(arg, "it has a document type");
}

/* From a '<' to the '>' that ends the tag, or to the next '<'; NULL: it is too long. */
static const char *end_of_tag(const char *p, const char *end)
{
	const char *stop = end - p > TAG_MAX ? p + TAG_MAX : end;
	char quote = '\0';

	for (p++; p < stop && *p != '<'; p++) {
		if (*p == quote)
			quote = '\0';
		else if (!quote && *p == '>')
			break;
		else if (!quote && (*p == '"' || *p == '\''))
			quote = *p;
	}
	return p < stop || stop == end ? p : NULL;
}

/* Before the parser sees them, which takes in a tag as a whole, with all its attributes. */
static bool tags_are_short(const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
		p = end_of_tag(p, end);
		if (!p)
			return false;
	}
	return true;
}

static bool parse(struct s3_xml *x, const char *bytes, size_t n)
{
	bool ok;

	x->parser = XML_ParserCreate(NULL);
	if (!x->parser) {
		x->trouble = "out of memory";
		return false;
	}
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	ok = XML_Parse(x->parser, bytes, (int)n, XML_TRUE) == XML_STATUS_OK && !x->stopped &&
	     x->root_ended;
	if (!ok && !x->trouble)
		x->trouble = XML_ErrorString(XML_GetErrorCode(x->parser));
	XML_ParserFree(x->parser);
	text_release(&x->text);
	return ok;
}

bool s3_xml_parse(const void *bytes, size_t n, s3_xml_end *end, void *arg, char root[64],
		  const char **trouble)
{
	struct s3_xml x = { .end = end, .arg = arg };
	struct text fixed = { .p = NULL };
	bool ok = false;

	if (n > S3_DOCUMENT_MAX) {
		x.trouble = "it is too long";
	} else if (!tags_are_short(bytes, n)) {
		x.trouble = "a tag in it is too long";
	} else {
		x.stand_ins = s3_xml_stand_in(bytes, n, &fixed);
		ok = parse(&x, x.stand_ins ? fixed.p : bytes, x.stand_ins ? fixed.n : n);
	}
	*trouble = ok ? NULL : x.trouble ? x.trouble : "it cannot be read";
	text_copy(root, 64, x.root);
	text_release(&fixed);
	return ok;
}

/* AWS keeps a connection alive with white space before the document. */
static struct migrate_bytes document_of(const struct s3_session *s)
{
	const char *p = text_get(&s->answer.body), *end = p + s->answer.body.n;

	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return s3_bytes(p, (size_t)(end - p));
}

/* The head said that all is well; only the document says whether that is so. */
enum migrate_status s3_document(struct s3_session *s, const char *root, s3_xml_end *end, void *arg,
				const char *what)
{
	struct migrate_bytes d = document_of(s);
	const char *trouble;
	char name[64];

	if (!d.n && s->s3->quirks & S3_EMPTY_RESULT)
		return MIGRATE_OK;
	if (d.n && s3_xml_parse(d.p, d.n, end, arg, name, &trouble)) {
		if (!strcmp(name, root))
			return MIGRATE_OK;
		if (!strcmp(name, "Error") && s3_error_parse(s))
			return s3_fail_answer(s, what);
		return migrate_fail(s->ms, MIGRATE_TRANSIENT,
				    "%s: the answer is <%s> instead of <%s>", what, name, root);
	}
	return migrate_fail(s->ms, MIGRATE_TRANSIENT, "%s: the answer is no document: %s", what,
			    d.n ? trouble : "it is empty");
}

void s3_xml_escape(struct text *to, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '&')
			text_str(to, "&amp;");
		else if (p[i] == '<')
			text_str(to, "&lt;");
		else if (p[i] == '>')
			text_str(to, "&gt;");
		else if (p[i] == '\t' || p[i] == '\n' || p[i] == '\r')
			text_printf(to, "&#%u;", p[i]);
		else
			text_char(to, (char)p[i]);
	}
}

bool s3_xml_can_say(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r')
			return false;
		/* U+FFFE and U+FFFF */
		if (p[i] == 0xef && n - i > 2 && p[i + 1] == 0xbf && p[i + 2] >= 0xbe)
			return false;
	}
	return migrate_is_utf8(p, n);
}
