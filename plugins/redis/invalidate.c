/* SPDX-License-Identifier: MIT */
#include "redis-impl.h"

#include <string.h>

/*
 * One walk over the rows for each action. A template without placeholders is one
 * command for all of them. self->name holds what templates became: the names of
 * one command, or the keys of an UNLINK that is being gathered.
 */
struct walk {
	struct self *self;
	struct migrate_invalidate *r;
	const struct action *action;
	size_t keys; /* gathered in self->name, with self->lengths */
};

static enum migrate_status too_long(struct self *self, const struct template *t,
				    const struct migrate_changed_row *row)
{
	return migrate_fail(self->session, MIGRATE_INVALID,
			    "the template '%s' becomes too long for the row %s", t->source,
			    row->text);
}

/* False: the template does not concern the row, or *status says what is wrong. */
static bool expand(struct self *self, const struct template *t,
		   const struct migrate_changed_row *row, struct text *out,
		   enum migrate_status *status)
{
	const char *missing = "";

	switch (template_expand(t, row, out, &missing)) {
	case EXPANDED:
		return true;
	case EXPANDED_NOT:
		migrate_note(self->session,
			     "the template '%s' is left out for rows whose key has no column '%s'",
			     t->source, missing);
		return false;
	default:
		*status = out->bad ? out_of_memory(self) : too_long(self, t, row);
		return false;
	}
}

/* ---- UNLINK ---- */

static enum migrate_status flush_keys(struct walk *w)
{
	struct self *self = w->self;
	const char *argv[KEYS_MAX + 1] = { self->no_unlink ? "DEL" : "UNLINK" };
	size_t lengths[KEYS_MAX + 1] = { strlen(argv[0]) }, at = 0, n = w->keys;
	enum migrate_status status = MIGRATE_OK;

	for (size_t i = 0; i < n; i++) {
		argv[i + 1] = text_get(&self->name) + at;
		lengths[i + 1] = self->lengths[i];
		at += self->lengths[i];
	}
	w->keys = 0;
	if (n)
		status = command_add(self, ASKED_KEYS, (int)n + 1, argv, lengths);
	text_reset(&self->name);
	return status;
}

static enum migrate_status unlink_row(struct walk *w, const struct migrate_changed_row *row)
{
	struct self *self = w->self;
	size_t from = self->name.n;
	enum migrate_status status = MIGRATE_OK;

	if (!expand(self, &w->action->key, row, &self->name, &status))
		return status;
	self->lengths[w->keys++] = self->name.n - from;
	return w->keys == KEYS_MAX || self->name.n > PIPELINE_BYTES ? flush_keys(w) : MIGRATE_OK;
}

/* ---- PUBLISH, and the script ---- */

static enum migrate_status publish_row(struct walk *w, const struct migrate_changed_row *row)
{
	struct self *self = w->self;
	enum migrate_status status = MIGRATE_OK;
	const char *argv[] = { "PUBLISH", "", "" };
	size_t lengths[] = { 7, 0, 0 };

	text_reset(&self->name);
	text_reset(&self->other);
	if (!expand(self, &w->action->key, row, &self->name, &status) ||
	    !expand(self, &w->action->field, row, &self->other, &status))
		return status;
	argv[1] = text_get(&self->name);
	lengths[1] = self->name.n;
	argv[2] = text_get(&self->other);
	lengths[2] = self->other.n;
	return command_add(self, ASKED_NUMBER, 3, argv, lengths);
}

static const char *pointer(const void *p)
{
	return p ? p : "";
}

static enum migrate_status rewrite_row(struct walk *w, const struct migrate_changed_row *row)
{
	struct self *self = w->self;
	bool hash = w->action->kind == ACTION_HASH;
	enum migrate_status status = MIGRATE_OK;

	text_reset(&self->name);
	text_reset(&self->other);
	if (!expand(self, &w->action->key, row, &self->name, &status) ||
	    (hash && !expand(self, &w->action->field, row, &self->other, &status)))
		return status;
	return command_add(self, ASKED_SCRIPT, hash ? 7 : 6,
			   (const char *[]){ "EVALSHA", self->instance->sha, "1",
					     text_get(&self->name), pointer(row->old_value.p),
					     pointer(row->new_value.p), text_get(&self->other) },
			   (const size_t[]){ 7, 40, 1, self->name.n, row->old_value.n,
					     row->new_value.n, self->other.n });
}

/* ---- All of it ---- */

static enum migrate_status do_row(struct walk *w, const struct migrate_changed_row *row)
{
	switch (w->action->kind) {
	case ACTION_UNLINK:
		return unlink_row(w, row);
	case ACTION_PUBLISH:
		return publish_row(w, row);
	default:
		return rewrite_row(w, row);
	}
}

static bool is_fixed(const struct action *a)
{
	return (a->kind == ACTION_UNLINK || a->kind == ACTION_PUBLISH) &&
	       template_is_fixed(&a->key) && template_is_fixed(&a->field);
}

static enum migrate_status do_action(struct walk *w)
{
	size_t n = is_fixed(w->action) && w->r->count ? 1 : w->r->count;
	enum migrate_status status = MIGRATE_OK;

	w->keys = 0;
	text_reset(&w->self->name);
	for (size_t i = 0; !status && i < n; i++)
		status = do_row(w, w->r->rows[i]);
	return status ? status : flush_keys(w);
}

/* All actions of one kind: what they need of the server is known when all is answered. */
static enum migrate_status do_kind(struct self *self, struct migrate_invalidate *r,
				   enum action_kind first, enum action_kind last)
{
	struct walk w = { .self = self, .r = r };
	enum migrate_status status = MIGRATE_OK;

	self->script_missing = self->unlink_missing = false;
	for (size_t i = 0; !status && i < self->instance->count; i++) {
		w.action = &self->instance->actions[i];
		if (w.action->kind >= first && w.action->kind <= last)
			status = do_action(&w);
	}
	if (!status)
		status = pipeline_run(self);
	return status;
}

static enum migrate_status load_script(struct self *self)
{
	enum migrate_status status;
	redisReply *reply = command_ask(
	    self, ASKED_TEXT, (const char *[]){ "SCRIPT", "LOAD", script_text, NULL }, &status);

	if (reply)
		freeReplyObject(reply);
	return status;
}

static enum migrate_status rewrite_all(struct self *self, struct migrate_invalidate *r)
{
	enum migrate_status status = do_kind(self, r, ACTION_STRING, ACTION_HASH);

	if (status || !self->script_missing)
		return status;
	status = load_script(self);
	if (!status)
		status = do_kind(self, r, ACTION_STRING, ACTION_HASH);
	if (!status && self->script_missing)
		status = migrate_fail(self->session, MIGRATE_TRANSIENT,
				      "the server forgot the script that it had just loaded");
	return status;
}

static enum migrate_status unlink_all(struct self *self, struct migrate_invalidate *r)
{
	enum migrate_status status = do_kind(self, r, ACTION_UNLINK, ACTION_UNLINK);

	if (status || !self->unlink_missing)
		return status;
	self->no_unlink = true;
	return do_kind(self, r, ACTION_UNLINK, ACTION_UNLINK);
}

/* Nothing half done stays on the connection. */
static enum migrate_status end_with(struct self *self, enum migrate_status status)
{
	if (status && self->fd >= 0)
		wire_close(self);
	return status;
}

enum migrate_status redis_invalidate(void *handle, struct migrate_invalidate *r)
{
	struct self *self = handle;
	enum migrate_status status;

	self->session = r->session;
	if (!r->count)
		return MIGRATE_OK;
	status = connection_ready(self);
	if (!status)
		status = rewrite_all(self, r);
	if (!status)
		status = unlink_all(self, r);
	if (!status)
		status = do_kind(self, r, ACTION_PUBLISH, ACTION_PUBLISH);
	return end_with(self, status);
}

/* ---- In words ---- */

static bool add_change(struct text *out, const struct migrate_changed_row *row)
{
	return text_str(out, ": ") && text_add(out, row->old_value.p, row->old_value.n) &&
	       text_str(out, " -> ") && text_add(out, row->new_value.p, row->new_value.n);
}

/* False: out of memory. A template that does not concern the row is a line of its own. */
static bool describe(const struct action *a, const struct migrate_changed_row *row,
		     struct text *out)
{
	static const char *const verbs[] = { [ACTION_STRING] = "rewrite the string ",
					     [ACTION_HASH] = "rewrite in the hash ",
					     [ACTION_UNLINK] = "UNLINK ",
					     [ACTION_PUBLISH] = "PUBLISH " };
	const char *missing = "";
	enum expanded got;

	if (!text_str(out, verbs[a->kind]))
		return false;
	got = template_expand(&a->key, row, out, &missing);
	if (got == EXPANDED && a->field.count) {
		if (!text_str(out, " "))
			return false;
		got = template_expand(&a->field, row, out, &missing);
	}
	if (got == EXPANDED)
		return a->kind > ACTION_HASH || add_change(out, row);
	text_cut(out, 0);
	return text_str(out, "nothing for ") && text_str(out, a->key.source) &&
	       text_str(out, ": no column ") && text_str(out, missing) &&
	       text_str(out, " in the key ") && text_str(out, row->text);
}

enum migrate_status redis_preview(void *handle, struct migrate_preview *r)
{
	struct self *self = handle;

	self->session = r->session;
	for (size_t i = 0; i < self->instance->count; i++) {
		text_reset(&self->name);
		if (!describe(&self->instance->actions[i], r->row, &self->name))
			return migrate_fail(r->session, MIGRATE_UNAVAILABLE, "out of memory");
		if (!migrate_emit_preview(r, self->name.p, self->name.n))
			return MIGRATE_CANCELLED;
	}
	return MIGRATE_OK;
}
