/* SPDX-License-Identifier: MIT */
#include "s3.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/*
 * migrate-check --probe: what the endpoint does with the words of S3 itself. What the
 * operations of the plugin show by themselves is the core's to find out.
 */
struct prober {
	struct s3_session *s;
	struct migrate_measure *r;
	char key[64];
	enum migrate_status status; /* of the last request, where it is no answer to the question */
};

static bool finds(struct prober *p, const char *name, bool yes, const char *said, const char *no)
{
	return migrate_emit_finding(p->r, name, yes ? MIGRATE_FINDS_YES : MIGRATE_FINDS_NO, said,
				    yes ? NULL : no);
}

static bool finds_value(struct prober *p, const char *name, const char *said)
{
	return migrate_emit_finding(p->r, name, MIGRATE_FINDS_VALUE, said, NULL);
}

static struct migrate_bytes key_of(const struct prober *p)
{
	return s3_bytes(p->key, strlen(p->key));
}

static enum migrate_status put(struct prober *p, const char *header, const char *value)
{
	s3_begin(p->s, "PUT", key_of(p));
	if (header)
		s3_header_text(p->s, header, value);
	s3_give_encryption(p->s);
	s3_give_customer_key(p->s);
	text_str(&p->s->body, "scratch");
	s3_with_body(p->s);
	return s3_send(p->s, "writing a scratch object");
}

/* ---- Who it is ---- */

static bool find_clock(struct prober *p)
{
	const char *date = s3_answer_header(p->s, "date");
	char said[64];
	int64_t theirs, ahead;
	bool bad;

	if (!date || !time_parse(date, &theirs))
		return true;
	ahead = theirs / INT64_C(1000000000) - (int64_t)time(NULL);
	bad = ahead > 300 || ahead < -300;
	snprintf(said, sizeof(said), "%lld s %s ours", (long long)(ahead < 0 ? -ahead : ahead),
		 ahead < 0 ? "behind" : "ahead of");
	return migrate_emit_finding(
	    p->r, "server's clock", bad ? MIGRATE_FINDS_NO : MIGRATE_FINDS_VALUE, said,
	    bad ? "set the clocks right: requests are signed by time" : NULL);
}

static bool find_server(struct prober *p)
{
	struct s3 *s3 = p->s->s3;
	const char *server = s3_answer_header(p->s, "server");
	char said[1024];

	snprintf(said, sizeof(said), "%s%s%s", s3->dialect->name,
		 server ? ", it calls itself " : "", server ? server : "");
	if (!finds_value(p, "dialect", said))
		return false;
	snprintf(said, sizeof(said), "%s://%s%s, the bucket in the %s, region %s",
		 s3->place.tls ? "https" : "http", s3->place.host, s3->place.path,
		 s3->place.host_style ? "host's name" : "path", p->s->region);
	return finds_value(p, "address", said) && find_clock(p);
}

/* ---- Conditions ---- */

static const struct {
	uint32_t quirk;
	const char *name, *no;
	bool reversed;
} conditions[] = {
	{ S3_PUT_ABSENT, "If-None-Match: PutObject",
	  "objects are looked at before they are written", false },
	{ S3_COPY_ABSENT, "If-None-Match: CopyObject", "copies look with a HEAD first", false },
	{ S3_COMPLETE_ABSENT, "If-None-Match: CompleteMultipartUpload",
	  "uploads look with a HEAD before their end", false },
	{ S3_PUT_MATCH, "If-Match: PutObject",
	  "older copies are looked at before they are replaced", false },
	{ S3_COPY_MATCH_TO, "If-Match: CopyObject and Complete",
	  "older copies are looked at before they are replaced", false },
	{ S3_REMOVE_MATCH, "If-Match: DeleteObject", "purge looks with a HEAD first", false },
	{ S3_NO_COPY_MATCH, "copy-source-if-match",
	  "copies are compared with their source by etag, else looked at", true },
};

/* The job file or the table said otherwise, and runs go by that. */
static const char *is_believed(const struct s3 *s3, uint32_t quirk, uint32_t measured)
{
	bool believed = s3->quirks & quirk, is = measured & quirk;

	if (believed == is)
		return NULL;
	return s3->config.conditions ? "conditions: says otherwise, and runs go by that"
				     : "runs of this dialect take it to be otherwise";
}

static bool find_conditions(struct prober *p)
{
	struct s3 *s3 = p->s->s3;
	char scratch[48];
	uint32_t measured;
	bool go_on = true;

	snprintf(scratch, sizeof(scratch), "%.*s", (int)p->r->scratch.n,
		 (const char *)p->r->scratch.p);
	p->status = s3_try_conditions(p->s, scratch, &measured);
	if (p->status != MIGRATE_OK)
		return false;
	for (size_t i = 0; go_on && i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		bool has = measured & conditions[i].quirk, yes = has != conditions[i].reversed;

		go_on = finds(p, conditions[i].name, yes,
			      is_believed(s3, conditions[i].quirk, measured), conditions[i].no);
	}
	return go_on;
}

/* ---- Digests ---- */

static bool find_checksums(struct prober *p)
{
	static const struct {
		const char *header, *wrong, *name, *no;
	} sums[] = {
		{ "content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "Content-MD5 is checked",
		  "bytes are proved by the etag alone" },
		{ "x-amz-checksum-sha256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		  "x-amz-checksum-sha256 is checked", NULL },
		{ "x-amz-checksum-crc32c", "AAAAAA==", "x-amz-checksum-crc32c is checked", NULL },
		{ "x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "x-amz-checksum-crc64nvme is checked",
		  NULL },
	};

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		enum migrate_status status = put(p, sums[i].header, sums[i].wrong);

		if (status == MIGRATE_CANCELLED)
			return false;
		if (!finds(p, sums[i].name, status != MIGRATE_OK,
			   status != MIGRATE_OK && p->s->answer.code[0] ? p->s->answer.code : NULL,
			   sums[i].no))
			return false;
	}
	return true;
}

static bool find_etag(struct prober *p)
{
	struct text hex = { .p = NULL };
	const char *etag;
	unsigned char md5[16];
	bool is_md5;

	p->status = put(p, NULL, NULL);
	if (p->status != MIGRATE_OK)
		return false;
	etag = s3_answer_header(p->s, "etag");
	if (!s3_md5(p->s, "scratch", 7, md5))
		return true;
	text_hex(&hex, md5, sizeof(md5));
	is_md5 = etag && strstr(etag, text_get(&hex));
	text_release(&hex);
	return finds(p, "etag is the content's MD5", is_md5, NULL,
		     "what is there already is read to be compared");
}

static bool take_id(void *arg, const char *path, char *text, size_t n)
{
	if (!strcmp(path, "UploadId") && n <= MIGRATE_ETAG_MAX)
		text_copy(arg, MIGRATE_ETAG_MAX + 1, text);
	return true;
}

static enum migrate_status begin_upload(struct prober *p, char id[MIGRATE_ETAG_MAX + 1])
{
	enum migrate_status status;

	s3_begin(p->s, "POST", key_of(p));
	s3_query_text(p->s, "uploads", "");
	s3_give_encryption(p->s);
	s3_give_customer_key(p->s);
	s3_with_body(p->s);
	status = s3_send(p->s, "beginning a scratch upload");
	return status != MIGRATE_OK ? status
				    : s3_document(p->s, "InitiateMultipartUploadResult", take_id,
						  id, "beginning a scratch upload");
}

/* etag: without bytes if there is none, for whatever reason. */
static void send_part(struct prober *p, const char *id, char *etag, size_t size)
{
	const char *said;

	s3_begin(p->s, "PUT", key_of(p));
	s3_query_text(p->s, "partNumber", "1");
	s3_query_text(p->s, "uploadId", id);
	s3_give_customer_key(p->s);
	text_str(&p->s->body, "scratch");
	s3_with_body(p->s);
	said = s3_send(p->s, "writing a scratch part") == MIGRATE_OK
		   ? s3_answer_header(p->s, "etag")
		   : NULL;
	text_copy(etag, size, said ? said : "");
}

/* Put together, or given up where the part did not arrive. */
static enum migrate_status end_upload(struct prober *p, const char *id, const char *etag)
{
	s3_begin(p->s, etag[0] ? "POST" : "DELETE", key_of(p));
	s3_query_text(p->s, "uploadId", id);
	if (etag[0]) {
		s3_give_customer_key(p->s);
		text_str(&p->s->body,
			 "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>");
		s3_xml_escape(&p->s->body, etag, strlen(etag));
		text_str(&p->s->body, "</ETag></Part></CompleteMultipartUpload>");
		s3_with_body(p->s);
	}
	return s3_send(p->s, "ending a scratch upload");
}

/* An object of one part; its etag, as a HEAD tells it, in the answer. */
static enum migrate_status put_in_parts(struct prober *p)
{
	char id[MIGRATE_ETAG_MAX + 1] = "", etag[MIGRATE_ETAG_MAX + 3];

	p->status = begin_upload(p, id);
	if (p->status != MIGRATE_OK)
		return p->status;
	send_part(p, id, etag, sizeof(etag));
	p->status = end_upload(p, id, etag);
	if (p->status != MIGRATE_OK || !etag[0])
		return MIGRATE_UNSUPPORTED;
	s3_begin(p->s, "HEAD", key_of(p));
	s3_give_customer_key(p->s);
	return p->status = s3_send(p->s, "looking at a scratch object");
}

static bool find_parts_etag(struct prober *p)
{
	struct text hex = { .p = NULL };
	unsigned char md5[16];
	const char *etag;
	bool known;

	if (put_in_parts(p) != MIGRATE_OK)
		return p->status != MIGRATE_CANCELLED;
	etag = s3_answer_header(p->s, "etag");
	if (!s3_md5(p->s, "scratch", 7, md5) || !s3_md5(p->s, md5, sizeof(md5), md5))
		return true;
	text_hex(&hex, md5, sizeof(md5));
	text_str(&hex, "-1");
	known = etag && strstr(etag, text_get(&hex));
	text_release(&hex);
	return finds(p, "etag of parts is the MD5 of theirs", known, NULL,
		     "large objects are looked at again after their end");
}

/* ---- Listing ---- */

struct listing {
	bool encoded, version2, found;
	const char *key;
};

static bool take_listed(void *arg, const char *path, char *text, size_t n)
{
	struct listing *l = arg;

	(void)n;
	if (!strcmp(path, "EncodingType"))
		l->encoded = !strcmp(text, "url");
	if (!strcmp(path, "KeyCount"))
		l->version2 = true;
	if (!strcmp(path, "Contents/Key"))
		l->found = true;
	return true;
}

static enum migrate_status list(struct prober *p, const char *after, struct listing *l)
{
	*l = (struct listing){ .encoded = false };
	s3_begin(p->s, "GET", s3_bytes(NULL, 0));
	s3_query_text(p->s, "encoding-type", "url");
	s3_query_text(p->s, "list-type", "2");
	s3_query_text(p->s, "max-keys", "2");
	s3_query_text(p->s, "prefix", p->key);
	if (after)
		s3_query_text(p->s, "start-after", after);
	p->status = s3_send(p->s, "listing scratch objects");
	if (p->status == MIGRATE_OK)
		p->status = s3_document(p->s, "ListBucketResult", take_listed, l,
					"listing scratch objects");
	return p->status;
}

static bool find_listing(struct prober *p)
{
	struct listing all, behind;

	if (p->s->s3->no_list)
		return true;
	if (list(p, NULL, &all) != MIGRATE_OK || list(p, p->key, &behind) != MIGRATE_OK)
		return p->status != MIGRATE_CANCELLED &&
		       finds(p, "ListObjectsV2", false, NULL, "listed by the first version");
	return finds(p, "ListObjectsV2", all.version2, NULL, "listed by the first version") &&
	       finds(p, "ListObjectsV2: start-after", all.found && !behind.found, NULL,
		     "a job that was killed lists from the start") &&
	       finds(p, "encoding-type=url", all.encoded, NULL,
		     "keys with control characters cannot be listed");
}

/* ---- The rest ---- */

static bool find_sub(struct prober *p, const char *name, const char *sub, const char *no)
{
	s3_begin(p->s, "GET", key_of(p));
	s3_query_text(p->s, sub, "");
	p->status = s3_send(p->s, name);
	return p->status != MIGRATE_CANCELLED &&
	       finds(p, name, p->status == MIGRATE_OK,
		     p->status == MIGRATE_OK ? NULL : p->s->answer.code, no);
}

static bool take_state(void *arg, const char *path, char *text, size_t n)
{
	(void)n;
	if (!strcmp(path, "Status"))
		text_copy(arg, 32, text);
	return true;
}

static bool find_versioning(struct prober *p)
{
	char state[32] = "";

	s3_begin(p->s, "GET", s3_bytes(NULL, 0));
	s3_query_text(p->s, "versioning", "");
	p->status = s3_send(p->s, "looking for versioning");
	if (p->status == MIGRATE_OK)
		p->status = s3_document(p->s, "VersioningConfiguration", take_state, state,
					"looking for versioning");
	if (p->status != MIGRATE_OK)
		return p->status != MIGRATE_CANCELLED;
	return migrate_emit_finding(
	    p->r, "versioning", MIGRATE_FINDS_VALUE, state[0] ? state : "off",
	    strcmp(state, "Enabled") != 0 ? NULL
					  : "what is removed or replaced stays as an older "
					    "version, these scratch objects too");
}

static void remove_it(struct prober *p)
{
	s3_begin(p->s, "DELETE", key_of(p));
	s3_send(p->s, "removing a scratch object");
}

enum migrate_status s3_probe_bucket(void *self, struct migrate_measure *r)
{
	struct s3_session *s = self;
	struct prober p = { .s = s, .r = r };

	s->ms = r->session;
	snprintf(p.key, sizeof(p.key), "%.*s-7", (int)r->scratch.n, (const char *)r->scratch.p);
	p.status = put(&p, NULL, NULL);
	if (p.status != MIGRATE_OK)
		return p.status;
	if (find_server(&p) && find_conditions(&p) && find_checksums(&p) && find_etag(&p) &&
	    find_parts_etag(&p) && find_listing(&p) &&
	    find_sub(&p, "tags", "tagging", "tags do not travel") &&
	    find_sub(&p, "access control lists", "acl", "acl: copy cannot be used"))
		find_versioning(&p);
	remove_it(&p);
	s3_sweep_scratch(s); /* uploads of a probe that was killed: only we know how to find them */
	return migrate_cancelled(r->session) ? MIGRATE_CANCELLED : MIGRATE_OK;
}
