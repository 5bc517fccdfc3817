/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_CMD_CHECK_REPORT_H
#define MIGRATE_CMD_CHECK_REPORT_H

#include "engine/check/check.h"

/* What migrate-check --probe found out, a line each, and what follows from it for a job. */
void print_card(const struct probe *p, const struct open_end *o);

/* The whole report, as migrate-check(1) documents it. */
void print_check_json(const struct check *c, int exit);

#endif
