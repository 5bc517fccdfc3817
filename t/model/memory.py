# SPDX-License-Identifier: MIT
"""What a job remembers from run to run, in the words of the manual pages."""


class Record:
    """The newest of a key. state: done, same, skipped, gone, failed."""

    def __init__(self, key, new, passed):
        self.key, self.new, self.passed = key, new, passed
        self.state, self.fail = "planned", None
        self.stamp, self.size, self.data = None, 0, b""  # of the source's version
        self.stored = None  # the stamp of the copy
        self.made = False  # by this job
        self.remade = False  # its copy was gone
        self.was_there = False  # a copy was, by an older record
        self.by_policy = False  # skipped, as on_conflict says

    @property
    def is_there(self):
        return self.state in ("done", "same")

    @property
    def has_rows(self):
        """That are looked for."""
        return self.is_there or self.state == "gone"

    def fails(self, reason):
        self.state, self.fail = "failed", reason


class Outcome:
    """The newest of a row."""

    def __init__(self, key, old, new, what):
        self.key, self.old, self.new, self.what = key, old, new, what


class Memory:
    def __init__(self, settings):
        self.selection = settings.selection()
        self.mapping = settings.mapping()
        self.passes, self.finished, self.listed = 0, True, False
        self.cursor = None  # the last key that was planned in this pass
        self.refused = False  # its first run was: nothing is there that a job would have to fit
        self.records = {}  # by key
        self.waiting = set()  # keys whose rows wait
        self.rows = {}  # Outcome by (table, id)
        self.changes = 0  # of rows
        self.missing = 0  # rows that named nothing when we came
        self.passed_over = 0  # in the first pass
        self.orphaned = 0
        self.keeps_all = settings.keep == "all"
        self.was_first = False  # --first ended a run of this pass
        self.was_struck = False  # some rows may count as already changed

    def count(self, state):
        return sum(r.state == state for r in self.records.values())

    def failures_by_class(self):
        found = {}
        for record in self.records.values():
            if record.state == "failed":
                found[record.fail] = found.get(record.fail, 0) + 1
        return found

    def failed_rows(self):
        return {where: o for where, o in self.rows.items() if o.what == "failed"}

    def new_keys(self):
        return {r.new: r for r in self.records.values() if r.new is not None and r.is_there}

    def status(self):
        """The exit status of a run that came to its end."""
        return 3 if self.count("failed") or self.failed_rows() else 0
