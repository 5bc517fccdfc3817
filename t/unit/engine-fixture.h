/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_T_UNIT_ENGINE_FIXTURE_H
#define MIGRATE_T_UNIT_ENGINE_FIXTURE_H

#include "base/log.h"
#include "engine/work/engine.h"
#include "journal-help.h"

/*
 * The least of an engine that its window, its plan and its limits need: no threads, no ends, a
 * journal of its own. A test adds the fixture with run_engine_suite().
 */
static struct job job;
static struct run_options options;
static struct engine engine;

static void engine_setup(void)
{
	pthread_condattr_t attr;

	log_configure("test", LOG_ERROR, false);
	job.folder = folder;
	job.max_failures = 1 << 30;
	job.patience = 60000;
	engine.job = &job;
	engine.options = &options;
	engine.pass.number = 1;
	atomic_store(&engine.concurrency, 1);
	pthread_mutex_init(&engine.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&engine.takeable, &attr);
	pthread_cond_init(&engine.changed, &attr);
	pthread_condattr_destroy(&attr);
	WELL(host_init(&engine.ends.host, "0123456789abcdef", 1000, &err));
	engine.journal = open_run();
	window_init(&engine);
}

static void engine_teardown(void)
{
	window_release(&engine);
	journal_close(engine.journal);
	host_release(&engine.ends.host);
	pthread_cond_destroy(&engine.takeable);
	pthread_cond_destroy(&engine.changed);
	pthread_mutex_destroy(&engine.lock);
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

static void add_with_engine(TCase *t)
{
	tcase_add_checked_fixture(t, engine_setup, engine_teardown);
	add_tests(t);
}

__attribute__((unused)) static int run_engine_suite(const char *name, void (*add)(TCase *t))
{
	add_tests = add;
	return run_suite(name, add_with_engine);
}

#endif
