/* SPDX-License-Identifier: MIT */
#include "postgres-impl.h"

#include <stdlib.h>
#include <string.h>

/* '{"avatar","url"}' */
static char *array_of(const struct instance *inst)
{
	struct text array = { .n = 0 }, quoted = { .n = 0 };
	char *text;

	text_printf(&array, "{");
	for (size_t i = 0; i < inst->path.count; i++) {
		text_printf(&array, i ? ",\"" : "\"");
		for (const char *c = inst->path.steps[i].text; *c; c++) {
			if (*c == '"' || *c == '\\')
				text_add(&array, "\\", 1);
			text_add(&array, c, 1);
		}
		text_printf(&array, "\"");
	}
	text_printf(&array, "}");
	text = text_finish(&array);
	if (!text)
		return NULL;
	sql_literal(&quoted, text);
	text_printf(&quoted, "::pg_catalog.text[]");
	free(text);
	return text_finish(&quoted);
}

enum migrate_status path_read(struct self *self, const char *path)
{
	struct instance *inst = self->instance;
	enum migrate_status status = json_path_read(self->session, path, &inst->path);

	if (status)
		return status;
	inst->json_path = strdup(path);
	inst->json_array = array_of(inst);
	return inst->json_path && inst->json_array ? MIGRATE_OK : out_of_memory(self);
}

void path_free(struct instance *inst)
{
	json_path_release(&inst->path);
	free(inst->json_path);
	free(inst->json_array);
}
