# SPDX-License-Identifier: MIT
"""What a run does, from the manual pages alone: migrate-run(1), migrate-job(5), migrate-stores(7).

A State is a picture of the world, the settings of the job, and what the job remembers. Run(state, ...)
changes a copy of it into what must be there afterwards. Nothing here was read from the program: where
it does something else, one of the two is wrong, and the page says which.
"""

import copy

from memory import Memory, Outcome, Record
from scene import Object

DONE, REFUSED, SOME_FAILED, UNFIT = 0, 2, 3, 5
NEVER_AGAIN = ("unmatched", "rename", "collision", "unlisted")  # by --retry-failed


class State:
    def __init__(self, picture, settings, memory=None):
        self.picture, self.settings, self.memory = picture, settings, memory

    def copy(self):
        return copy.deepcopy(self)


class Run:
    """state is what must be afterwards, status how it must end, copied what its first line says."""

    def __init__(self, state, first=None, only="all", retry=None, accept=False, anew=False, remake=False):
        self.before, self.state = state, state.copy()
        self.first, self.only, self.retry = first, only, retry
        self.accept, self.anew, self.remake = accept, anew, remake
        self.copied, self.planned = 0, []
        self.tried = set()  # keys of this run that could be renamed
        self.status = self.play()

    @property
    def picture(self):
        return self.state.picture

    @property
    def settings(self):
        return self.state.settings

    @property
    def memory(self):
        return self.state.memory

    # ---- The whole ------------------------------------------------------------------

    def play(self):
        status = self.begin()
        if status:
            self.state = self.before.copy()
            if status == REFUSED and (self.anew or not self.memory):
                self.state.memory = Memory(self.settings)
                self.memory.refused = True
            return status
        self.plan()
        for key in self.planned:
            self.settle(self.memory.records[key])
        self.change_rows()
        return self.memory.status()

    def begin(self):
        """May it run at all? A finished job begins another pass."""
        if self.anew or not self.memory or self.memory.refused:
            self.state.memory = Memory(self.settings)
        memory = self.memory
        if memory.mapping != self.settings.mapping():
            return UNFIT
        relist = False
        if memory.selection != self.settings.selection():
            if not self.accept:
                return UNFIT
            # in the middle of a pass: those that this one has passed by are found by another one
            relist = keys_of(memory.selection) != keys_of(self.settings.selection()) and memory.passes > 0
            memory.selection = self.settings.selection()
        if self.first and not memory.keeps_all and not self.settings.never_meet():
            return REFUSED
        if self.remake and not memory.keeps_all:
            return REFUSED
        # without a listing: rows that name what is done; what failed, of a journal that kept nothing else
        left = memory.waiting and self.only != "copy"
        short = self.only == "rows" or (not memory.keeps_all and bool(left or self.retry is not None))
        # each run with --only=copy is a pass, and so is the one that follows
        another = memory.finished or memory.listed or relist
        if another and memory.passes and not memory.keeps_all and not short:
            return UNFIT
        if another:
            memory.listed = bool(memory.passes) and short
            memory.passes += 1
            memory.finished = memory.was_first = False
            memory.cursor = None
            memory.orphaned = memory.orphaned if memory.listed else 0
        if not memory.records and chains(self.new_keys()):
            return REFUSED
        return 0

    # ---- Which keys -----------------------------------------------------------------

    def keys(self):
        """Keys of the job, in the order of planning; and how many keys were passed over."""
        settings, memory = self.settings, self.memory
        if settings.keys_from == "source":
            listed = set(self.picture.source)
        elif settings.keys_from == "database":
            listed = set(self.keys_of_rows())
        else:
            listed = set(settings.pairs)
        if settings.one_place:
            listed -= {r.new for r in memory.records.values() if r.made}
        if settings.keys_from == "source":  # below the prefix alone
            listed = {k for k in listed if k.startswith(settings.prefix.encode())}
        keys = sorted(k for k in listed if not settings.passes_over(k))
        return keys, len(listed) - len(keys)

    def keys_of_rows(self):
        """KEYS FROM ROWS: of values that stand there; new values lead back to their old keys."""
        back = {r.new: r for r in self.memory.records.values() if r.is_there or r.made or r.was_there}
        for (table, _), row in self.picture.rows.items():
            key = self.settings.key_in(table, row.value)
            if key is not None:
                yield back[key].key if key in back else key

    def exists(self, key):
        return key in self.picture.source

    def new_keys(self):
        """{old: new} of the keys of the job."""
        return {k: self.settings.rename(k) for k in self.keys()[0]}

    def whole_plan(self):
        """The same, and what copies stand for; without what failed and is not tried in this run."""
        plan, records = self.new_keys(), self.memory.records
        for key, record in records.items():
            if record.is_there:
                plan[key] = record.new
            elif record.state == "failed" and record.fail != "collision" and key in plan and not self.wants(key):
                del plan[key]
        return plan

    # ---- Planning -------------------------------------------------------------------

    def plan(self):
        memory = self.memory
        keys, passed_over = self.keys()
        if memory.passes == 1 and not memory.listed:
            memory.passed_over = passed_over
        if self.retry is not None:
            self.plan_again()
        if self.remake:
            self.plan_missing()
        if memory.listed:
            return
        self.meets = meet(self.whole_plan())
        start = memory.cursor
        for key in keys:
            if memory.cursor is not None and key <= memory.cursor:
                continue
            if not self.wants(key):
                continue
            self.plan_one(key)
            if self.first is not None and len(self.planned) >= self.first:
                memory.was_first = True  # whether there are more or not
                memory.orphaned += self.orphans(keys, start, memory.cursor)
                return
        memory.listed = True
        self.end_failures(keys)
        memory.orphaned += self.orphans(keys, start, None)

    def orphans(self, keys, start, end):
        """Of earlier passes, between what the runs of this one had listed and have now."""
        return sum(self.is_orphan(r, keys) for r in self.memory.records.values()
                   if r.passed < self.memory.passes and (start is None or r.key > start)
                   and (end is None or r.key <= end))

    def end_failures(self, keys):
        """What failed for what its key is, and is not there or not selected any more, is no failure."""
        for key, record in self.memory.records.items():
            if record.state == "failed" and record.fail in NEVER_AGAIN and key not in keys:
                over = self.settings.passes_over(key)
                record.state, record.fail = "skipped" if over else "gone", None

    def is_orphan(self, record, keys):
        """A copy that this job made, and whose source has gone since; of a key that the job is still about."""
        named = self.settings.keys_from == "source" or record.key in keys
        is_copy = record.made and record.is_there and not self.settings.passes_over(record.key)
        return is_copy and named and not self.exists(record.key)

    def plan_again(self):
        """--retry-failed: those that failed, but for what trying again cannot change."""
        for key, record in sorted(self.memory.records.items()):
            left_out = record.state == "skipped" and record.by_policy
            fail = "conflict" if left_out else record.fail
            if (record.state == "failed" or left_out) and fail not in NEVER_AGAIN and self.retry in ("", fail):
                self.make_record(key)
                again = self.memory.records[key]
                again.size, again.remade = record.size, record.remade

    def plan_missing(self):
        """--remake: copies that the job knows, and that are gone from the destination."""
        for key, record in sorted(self.memory.records.items()):
            older = record.was_there and record.fail not in NEVER_AGAIN
            if (record.is_there or older) and record.new not in self.picture.destination:
                self.make_record(key)
                again = self.memory.records[key]
                again.remade, again.made, again.size = True, False, record.size

    def wants(self, key):
        """New, or changed since, or one of keys that met."""
        record = self.memory.records.get(key)
        if record is None:
            return True
        if key in self.planned:
            return False
        if self.settings.keys_from != "source" and not self.exists(key):
            return False
        stamp = self.picture.source[key].stamp if self.exists(key) else None
        if record.state == "failed" and record.fail == "collision":
            return True
        if record.state == "failed" and record.fail == "unmatched" and self.settings.keys_from != "source":
            return True  # which version the source had was not asked: no page says
        if record.state == "gone":
            return self.exists(key)
        if record.state == "skipped" and record.by_policy and self.settings.on_conflict != "skip":
            return True
        return stamp is not None and stamp != record.stamp

    def plan_one(self, key):
        self.make_record(key)
        self.memory.cursor = key

    def make_record(self, key):
        older = self.memory.records.get(key)
        record = Record(key, self.settings.rename(key), self.memory.passes)
        if older:  # what it left at the destination is ours whatever comes
            record.stored, record.made = older.stored, older.made
            record.was_there = older.was_there or older.is_there
        self.memory.records[key] = record
        self.planned.append(key)

    # ---- Copying --------------------------------------------------------------------

    def settle(self, record):
        """COPYING: what becomes of one object."""
        source = self.picture.source.get(record.key)
        if source is not None:
            record.stamp, record.size, record.data = source.stamp, len(source.data), source.data
        stays = self.settings.one_place and record.new == record.key
        if record.new is None or (record.key in getattr(self, "meets", ()) and not stays):
            record.fails("unmatched" if record.new is None else "collision")
        else:
            self.tried.add(record.key)
            self.copy(record, source)

    def copy(self, record, source):
        if self.settings.one_place and record.new == record.key:
            record.state = "skipped"  # one and the same object, also where there is none: no page says
        elif source is None and record.remade:
            record.fails("missing")
        elif source is None:
            record.state = "gone"  # as far as the rows do not say otherwise
        else:
            self.meet_destination(record, source)

    def meet_destination(self, record, source):
        there = self.picture.destination.get(record.new)
        ours = there is not None and record.made and record.stored == there.stamp
        if self.only == "rows":
            self.find_copy(record, source, there, ours)
        elif there is not None and there.data == source.data and not ours:
            record.state, record.stored, record.made = "same", there.stamp, False
        elif there is None or ours or self.settings.on_conflict == "overwrite":
            self.write(record, source)
        elif self.settings.on_conflict == "skip":
            record.state, record.by_policy = "skipped", True
        else:
            record.fails("conflict")

    def find_copy(self, record, source, there, ours):
        """--only=rows: it must be there, and equal."""
        if there is None:
            record.fails("other")
        elif there.data != source.data:
            record.fails("conflict")
        else:
            record.state = "done" if ours else "same"
            record.stored, record.made = there.stamp, ours

    def write(self, record, source):
        by_content = isinstance(source.stamp, bytes)
        stamp = source.data if by_content else self.picture.stamp()
        self.picture.destination[record.new] = Object(source.data, stamp)
        record.state, record.stored, record.made = "done", stamp, True
        self.copied += 1

    # ---- Rows -----------------------------------------------------------------------

    def rows_naming(self, key):
        value = {name: self.settings.value(name, key) for name, _, _ in self.settings.tables}
        return [where for where, row in self.picture.rows.items() if row.value == value[where[0]]]

    def change_rows(self):
        memory = self.memory
        memory.waiting |= {k for k in self.planned if memory.records[k].has_rows}
        if self.retry == "":  # all rows that name such an object
            memory.waiting |= {o.key for o in memory.failed_rows().values() if memory.records[o.key].is_there}
        if self.only == "copy":
            memory.finished = memory.listed and not memory.waiting
            return
        for key in sorted(memory.waiting):
            self.follow(memory.records[key])
        memory.waiting.clear()
        if not memory.listed:
            return
        if memory.passes > 1:
            for record in memory.records.values():
                if record.is_there and memory.keeps_all:
                    self.follow(record)
        self.finish()

    def follow(self, record):
        """Rows that name an object whose copy is there name the new key from now on."""
        if record.state == "gone" and record.new != record.key:
            self.miss(record)  # no row is looked for where no name changes, which no page says
        if not record.is_there or record.new == record.key:
            return
        for where in self.rows_naming(record.key):
            row = self.picture.rows[where]
            new = self.settings.value(where[0], record.new)
            what = "failed" if row.refuses(new) else "changed"
            self.memory.rows[where] = Outcome(record.key, row.value, new, what)
            if what == "changed":
                row.value = new
                self.memory.changes += 1

    def miss(self, record):
        """Not at the source: with keys from rows no failure, else one when a row names it."""
        rows = self.rows_naming(record.key)
        if self.settings.keys_from == "database":
            self.memory.missing += len(rows)
        elif rows:
            record.fails("missing")

    def finish(self):
        """Of an object that came to nothing since its row failed, no row is looked for, or told of."""
        memory = self.memory
        memory.finished = True
        left = [w for w, o in memory.failed_rows().items() if not memory.records[o.key].is_there]
        for where in left:
            del memory.rows[where]


def keys_of(selection):
    """The part of it that says which keys are selected."""
    return selection[:3]


def makers(new_keys):
    found = {}
    for old, new in new_keys.items():
        if new is not None:
            found.setdefault(new, set()).add(old)
    return found


def chains(new_keys):
    """Of {old: new}: is a new key another object's old key, which becomes something else?"""
    return {o for o, n in new_keys.items() if n != o and new_keys.get(n) not in (None, n)}


def meet(new_keys):
    """Those that may not become what they would: two that become one, both ends of a chain."""
    wrong = set()
    for new, olds in makers(new_keys).items():
        if len(olds) > 1:
            wrong |= olds
    for old in chains(new_keys):
        wrong |= {old, new_keys[old]}
    return wrong
