/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_PLUGIN_CONFORMANCE_CONFORMANCE_H
#define MIGRATE_PLUGIN_CONFORMANCE_CONFORMANCE_H

#include "plugin/end.h"

#include <stdio.h>

/*
 * A battery of trials that hold an open end to the contract of migrate-plugin(3),
 * one TAP line for each promise. What the plugin does not offer is skipped with
 * the reason.
 *
 * The end must be open for writing and the place behind it a scratch one that is
 * EMPTY: the battery refuses any other, and leaves it as empty as it can. A
 * database's rows are made with insert().
 */
struct conformance {
	unsigned int tried, failed, skipped;
};

/* 0: it ran, see result; -1: it could not run. The host must be the end's own. */
int conformance_run(struct host *h, struct end *e, FILE *out, struct conformance *result,
		    struct error *err);

#endif
