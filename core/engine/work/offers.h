/* SPDX-License-Identifier: MIT */
#ifndef MIGRATE_ENGINE_WORK_OFFERS_H
#define MIGRATE_ENGINE_WORK_OFFERS_H

#include "engine/work/running.h"

/*
 * Parts of one large object that any copier may take. Who offers them keeps the struct, and
 * what the parts are, until offer_withdraw() has returned.
 */
struct offer {
	struct offer *next;
	const uint32_t *parts;  /* their numbers, in this order */
	uint32_t n, given;      /* how many; how many were taken */
	uint32_t busy;          /* taken, and not ended */
	bool failed, withdrawn; /* no more are given out */
};

/* All but parts and n is zero. */
void offer_make(struct run *run, struct offer *o);
/* The next part of this one; of any (*o says whose). False: there is none. */
bool offer_take(struct run *run, struct offer *o, uint32_t *part);
bool offer_take_any(struct run *run, struct offer **o, uint32_t *part);
/* A part that was taken went wrong. True: it is the first, and its reason is to be told. */
bool offer_fail(struct run *run, struct offer *o);
/* What was written of a part before is seen by who withdraws the offer. */
void offer_end(struct run *run, struct offer *o);
/* Waits for those that are busy. Nobody touches it afterwards. */
void offer_withdraw(struct run *run, struct offer *o);
/* With the window's lock held: may any part be taken? */
bool offers_wait(const struct run *run);

#endif
