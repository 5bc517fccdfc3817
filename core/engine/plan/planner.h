/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_PLAN_PLANNER_H
#define MIGRATE_ENGINE_PLAN_PLANNER_H

#include "engine/plan/keys.h"
#include "engine/work/running.h"

/*
 * From keys to batches: selection, rename rules, what the destination accepts.
 * Shared by the run and by the dry run (which keeps no batches).
 */
struct planner {
	const struct task *task;
	struct migrate_session *destination; /* for accepts() */
	struct rename_scratch *scratch;
	struct arena arena;     /* of one verdict */
	uint64_t rule_hits[64]; /* by rule; later rules share the last */
};

enum verdict_kind { VERDICT_OBJECT, VERDICT_PASSED_OVER };

/* What becomes of one key. Bytes live until the next call. */
struct verdict {
	enum verdict_kind kind;
	enum skip_reason skip; /* PASSED_OVER */
	const char *why;       /* the pattern that kept it out */
	uint8_t state;         /* OBJECT_PLANNED, OBJECT_SKIPPED or OBJECT_FAILED */
	enum fail_class fail;
	const char *message;
	struct migrate_bytes new_key;
	size_t rule; /* SIZE_MAX: none */
};

int planner_init(struct planner *p, const struct task *task, struct migrate_session *destination,
		 struct error *err);
void planner_release(struct planner *p);
void planner_judge(struct planner *p, const struct key_item *item, struct verdict *v);

/* builder.c: batches in the making. */
struct builder;
struct builder *builder_new(struct run *run, bool admit, struct error *err);
/* replaces: etag of our own older copy, n = 0: none. Takes copies. */
int builder_add(struct builder *b, const struct key_item *item, const struct verdict *v,
		const struct object_record *older, int64_t older_batch, uint32_t older_n,
		struct error *err);
void builder_pass_over(struct builder *b, const struct key_item *item, enum skip_reason why);
/* Plan what there is, also when there are only counts of keys passed over. */
int builder_flush(struct builder *b, struct error *err);
void builder_free(struct builder *b);

/* listing.c: the keys behind what this pass has planned. */
/* How far a pass has been planned. */
enum planned {
	PLANNED_BROKEN_OFF = -1, /* an error, or the run ends */
	PLANNED_ALL = 0,
	PLANNED_FIRST = 1, /* as much as --first asked for; it goes on in another run */
};
enum planned plan_pass(struct run *run, struct error *err);

/* True when the whole plan must be made and checked before the first copy. */
bool plan_needs_check(const struct task *task);
/*
 * collide.c: no two keys become one, no new key is another's old one. Of what the journal holds,
 * and of keys that are told: those that a later run will plan.
 */
struct plan_check;
struct plan_check *plan_check_new(struct run *run, struct error *err);
int plan_check_add(struct plan_check *c, struct migrate_bytes key, struct migrate_bytes new_key,
		   struct error *err);
/* Once. 0: what is left PLANNED may be copied. */
int plan_check_run(struct plan_check *c, struct error *err);
void plan_check_free(struct plan_check *c);

#endif
