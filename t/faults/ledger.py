# SPDX-License-Identifier: MIT
"""The journal as migrate-journal(5) describes it, read from its tables alone."""

import os

from ends import SqliteCopy

PLANNED, COPIED, SAME, SKIPPED, GONE, FAILED, MOVED = range(7)
BATCH_COPYING, BATCH_COPIED, BATCH_REWRITING, BATCH_DONE = 1, 2, 3, 4
CHANGED, ALREADY, CONFLICT, ROW_GONE, ROW_FAILED, RETRIED = 1, 2, 3, 4, 5, 6
FAIL_CONFLICT, FAIL_MISSING = 5, 7
NAMES = {PLANNED: "planned", COPIED: "done", SAME: "same", SKIPPED: "skipped", GONE: "gone"}


class Record:
    """An object's, in the batch where it is now."""

    def __init__(self, row):
        (self.key, self.new_key, self.state, self.fail, self.batch, self.n, self.batch_state,
         self.pass_number, self.message) = row

    @property
    def name(self):
        if self.state != FAILED:
            return NAMES[self.state]
        return {FAIL_CONFLICT: "conflict", FAIL_MISSING: "missing"}.get(self.fail, "failed")

    @property
    def is_there(self):
        """The journal says: a copy is there, and durable."""
        return self.state in (COPIED, SAME) and self.batch_state >= BATCH_COPIED


class RowRecord:
    def __init__(self, row):
        self.database, self.chunk, self.n, self.text, self.before, self.after, outcome, settled = row
        self.settled = settled is not None
        self.outcome = outcome or (CHANGED if self.settled else 0)
        name = os.fsdecode(self.text or b"")
        self.number = int(name.split("=")[1]) if name.startswith("id=") else None


class Ledger:
    """None of it is trusted: it is held against the world."""

    def __init__(self, path):
        self.exists = os.path.exists(path)
        self.records, self.rows, self.problems = [], [], []
        self.passes, self.open_batches, self.uploads, self.runs = [], 0, [], []
        self.counters = {}
        if self.exists:
            with SqliteCopy(path) as connection:
                self.read(connection)

    def read(self, connection):
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'row'").fetchone():
            self.exists = False
            return
        answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if answer != b"ok":
            self.problems.append(f"integrity_check: {os.fsdecode(answer)}")
            return
        self.records = [Record(r) for r in connection.execute(
            "SELECT o.key, o.new_key, o.state, o.fail, o.batch, o.n, b.state, b.pass, o.message"
            " FROM object o JOIN batch b ON b.id = o.batch WHERE o.state <> 6 ORDER BY o.batch, o.n")]
        self.rows = [RowRecord(r) for r in connection.execute(
            "SELECT c.database, c.id, r.n, r.text, r.before, r.after, r.outcome, c.settled"
            " FROM row r JOIN chunk c ON c.id = r.chunk")]
        self.passes = list(connection.execute("SELECT number, state FROM pass ORDER BY number"))
        self.runs = list(connection.execute("SELECT id, ended, exit FROM run ORDER BY id"))
        one = lambda q: connection.execute(q).fetchone()[0]
        self.open_batches = one("SELECT count(*) FROM batch WHERE state < 4")
        self.open_chunks = one("SELECT count(*) FROM chunk WHERE settled IS NULL")
        self.open_rows = sum(1 for r in self.rows if not r.settled)
        self.uploads = [row[0] for row in connection.execute("SELECT * FROM upload")]
        self.read_counters(connection)

    def read_counters(self, connection):
        names = ("objects copied same skipped gone failed rows_changed rows_already rows_conflict"
                 " rows_gone rows_failed rows_missing").split()
        sums = ", ".join(f"coalesce(sum({n}), 0)" for n in names)
        row = connection.execute(f"SELECT {sums} FROM batch").fetchone()
        self.counters = dict(zip(names, row))

    def by_key(self):
        found = {}
        for record in self.records:
            found.setdefault(record.key, []).append(record)
        return found

    def open_intents(self, database, number):
        """Rows of intents whose outcome is not known, for one row of a table."""
        return [r for r in self.rows if not r.settled and r.database == database and r.number == number]

    def counted(self, *outcomes):
        return sum(1 for r in self.rows if r.settled and r.outcome in outcomes)

    def is_finished(self):
        return bool(self.passes) and self.passes[-1][1] == 3 and not self.open_batches
