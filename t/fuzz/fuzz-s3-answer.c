/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as an answer: lines of its head up to an empty one, then a document. What
 * the head says of an object has bounds and comes back when it is written again; an
 * error has a status and a message without secrets; a redirect leads nowhere else.
 */
#include "base/bytes.h"
#include "s3-fixture.h"

static struct migrate_attributes *first, *second;

/* "HTTP/1.1 404": 404; 0: no such line. */
static long status_of(const char *p, size_t n)
{
	long status = 0;

	if (n != 12 || memcmp(p, "HTTP/1.1 ", 9) != 0)
		return 0;
	for (size_t i = 9; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		status = status * 10 + (p[i] - '0');
	}
	return status;
}

/* Takes the head; where the document begins. */
static size_t take_head(const char *p, size_t n)
{
	struct s3_answer *a = &s3s->answer;
	size_t at = 0;

	text_reset(&a->head);
	a->heads = 0;
	a->body_began = false;
	a->status = 200;
	while (at < n) {
		const char *end = memchr(p + at, '\n', n - at);
		size_t length = end ? (size_t)(end - p) - at : n - at;
		long status;

		if (!length)
			return at + 1;
		if (!s3_answer_line(a, p + at, length))
			break;
		status = status_of(p + at, length);
		if (status)
			a->status = status;
		at += length + !!end;
	}
	return at < n ? at : n;
}

static void head_is_sound(void)
{
	const struct text *head = &s3s->answer.head;
	const char *p = text_get(head), *end = p + head->n;

	ENSURE(head->n <= S3_ANSWER_HEADERS && !head->bad);
	while (p < end) {
		ENSURE(!strpbrk(p, "\n"));
		p += strlen(p) + 1;
	}
	ENSURE(p == end);
}

static struct migrate_object *look(struct object_slot *slot, struct migrate_attributes *to,
				   enum migrate_status *status)
{
	struct migrate_stat r = { .object = &slot->object };

	object_slot_init(slot, to);
	*status = store_stat(session, &r);
	said_well(*status);
	return &slot->object;
}

/* As a server tells it to who asks for what was written. */
static void write_again(void)
{
	struct s3_answer *a = &s3s->answer;
	const char *bytes;

	s3_begin(s3s, "PUT", s3_bytes("k", 1));
	ENSURE(s3_give_attributes(s3s, first, 0) == MIGRATE_OK);
	ENSURE(!s3s->lost_header && s3s->header_count < S3_HEADERS_MAX);
	bytes = text_get(&s3s->headers);
	text_reset(&a->head);
	a->heads = 0;
	ENSURE(s3_answer_line(a, "Content-Length: 7", 17));
	for (size_t i = 0; i < s3s->header_count; i++) {
		const struct s3_header *h = &s3s->header[i];
		struct text line = { .p = NULL };

		text_add(&line, bytes + h->name, h->nname);
		text_str(&line, ": ");
		text_add(&line, bytes + h->value, h->nvalue);
		ENSURE(!memchr(line.p, '\n', line.n) && !memchr(line.p, '\0', line.n));
		a->heads = 0; /* encoded, it may be longer than it came */
		ENSURE(s3_answer_line(a, line.p, line.n));
		text_release(&line);
	}
}

static bool is_among(const struct migrate_attributes *a, const char *name,
		     struct migrate_bytes value)
{
	struct migrate_bytes there;

	return migrate_attribute(a, name, &there) && bytes_equal(there, value);
}

/* What could be written is told again as it was; the rest was said to be lost. */
static void comes_back(size_t lost)
{
	struct migrate_bytes value;
	const char *name;
	size_t i = 0;

	for (; migrate_attribute_at(second, i, &name, &value); i++)
		ENSURE(is_among(first, name, value));
	ENSURE(migrate_attribute_count(first) <=
	       i + lost + 1); /* the storage class does not travel */
}

static size_t count_lost(void)
{
	const char *p = session->lost.len ? (const char *)session->lost.p : "";
	size_t n = *p != '\0';

	for (; (p = strchr(p, ',')); p++)
		n++;
	return n;
}

static void read_object(void)
{
	struct object_slot slot;
	struct migrate_object *o;
	enum migrate_status status;
	size_t lost;

	o = look(&slot, first, &status);
	if (status != MIGRATE_OK)
		return;
	ENSURE(o->size <= S3_SIZE_MAX && o->etag.n <= MIGRATE_ETAG_MAX);
	ENSURE(migrate_attribute_count(first) <= 256);
	buf_reset(&session->lost);
	write_again();
	lost = count_lost();
	look(&slot, second, &status);
	ENSURE(status == MIGRATE_OK);
	if (session->lost.len < session->lost.max / 2)
		comes_back(lost);
}

static void read_error(void)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT" };
	enum migrate_status status;

	s3s->method = methods[s3s->answer.body.n % 3];
	s3s->ms = session;
	session->retry_after = 0;
	s3_error_parse(s3s);
	status = s3_fail_answer(s3s, "trying");
	ENSURE(status > MIGRATE_OK && status < MIGRATE_STATUS_COUNT);
	said_well(status);
	ENSURE(session->retry_after >= 0 && session->retry_after <= 3600000);
	ENSURE(strlen(s3s->answer.code) < sizeof(s3s->answer.code));
}

/* By TLS always, and to a name of S3's or to the same. */
static void follow(void)
{
	struct s3_place before = s3s->place = s3.place;
	bool aws = before.aws;

	s3s->region_generation = s3.region_generation;
	text_copy(s3s->region, sizeof(s3s->region), s3.region);
	if (s3_follow(s3s)) {
		s3_refresh_place(s3s);
		ENSURE(s3s->place.tls || !before.tls);
		ENSURE(!strcmp(s3s->place.host, before.host) ||
		       s3_aws_name(s3s->place.host) == S3_AWS_BUCKETS);
		ENSURE(strspn(s3s->region, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
		       strlen(s3s->region));
	}
	s3_place_aws(&s3.place, "us-east-1");
	s3.place.aws = aws;
	text_copy(s3.region, sizeof(s3.region), "us-east-1");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	const char *p = n ? (const char *)bytes : "";
	size_t at;

	set_up();
	if (!first)
		ENSURE((first = attributes_new()) && (second = attributes_new()));
	at = take_head(p, n);
	head_is_sound();
	answer(p + at, n - at);
	if (s3s->answer.status / 100 == 2) {
		read_object();
	} else {
		read_error();
		s3.place.aws = n % 2;
		follow();
	}
	return 0;
}
