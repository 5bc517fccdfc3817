/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_T_UNIT_RUN_FIXTURE_H
#define MIGRATE_T_UNIT_RUN_FIXTURE_H

#include "base/log.h"
#include "engine/work/running.h"
#include "journal-help.h"

/*
 * The least of a run that its window, its plan and its limits need: no threads, no ends, a
 * journal of its own. A test adds the fixture with run_fixture_suite().
 */
static struct job job;
static struct run_options options;
static struct task task;
static struct run run;

static void setup_run(void)
{
	log_configure("test", LOG_ERROR, false);
	job.folder = folder;
	job.max_failures = 1 << 30;
	job.patience = 60000;
	task.job = &job;
	task.pass.number = 1;
	run.task = &task;
	run.options = &options;
	atomic_store(&run.concurrency, 1);
	WELL(host_init(&task.ends.host, "0123456789abcdef", 1000, &err));
	task.journal = open_run();
	run_init(&run);
}

static void teardown_run(void)
{
	run_release(&run);
	journal_close(task.journal);
	host_release(&task.ends.host);
}

/* ---- Chance, the same in each run unless TEST_SEED says otherwise ---- */

static unsigned seed;

__attribute__((unused)) static void sow(int round)
{
	const char *given = getenv("TEST_SEED");

	seed = (given ? (unsigned)strtoul(given, NULL, 10) : 1) + (unsigned)round * 7919;
}

__attribute__((unused)) static unsigned draw(unsigned below)
{
	return (unsigned)rand_r(&seed) % below;
}

/* ---- Running ---- */

static void (*add_tests)(TCase *t);

static void add_with_run(TCase *t)
{
	tcase_add_checked_fixture(t, setup_run, teardown_run);
	add_tests(t);
}

__attribute__((unused)) static int run_fixture_suite(const char *name, void (*add)(TCase *t))
{
	add_tests = add;
	return run_suite(name, add_with_run);
}

#endif
