/* SPDX-License-Identifier: MIT */
#include "mysql-impl.h"

#include <stdlib.h>

/* A name that both servers read as one: in quotes, with a backslash before those. */
static void add_member(struct text *s, const char *name)
{
	text_printf(s, ".\"");
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			text_add(s, "\\", 1);
		text_add(s, name, 1);
	}
	text_printf(s, "\"");
}

/* $."avatar"."url", which is also what an index over it is made of. */
static char *path_of(const struct instance *inst)
{
	struct text s = { .n = 0 };

	text_printf(&s, "$");
	for (size_t i = 0; i < inst->path.count; i++) {
		if (inst->path.steps[i].is_index)
			text_printf(&s, "[%s]", inst->path.steps[i].text);
		else
			add_member(&s, inst->path.steps[i].text);
	}
	return text_finish(&s);
}

enum migrate_status path_read(struct self *self, const char *path)
{
	struct instance *inst = self->instance;
	enum migrate_status status = json_path_read(self->session, path, &inst->path);

	if (status)
		return status;
	inst->json_path = path_of(inst);
	return inst->json_path ? MIGRATE_OK : out_of_memory(self);
}

void path_free(struct instance *inst)
{
	json_path_release(&inst->path);
	free(inst->json_path);
}
