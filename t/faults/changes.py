# SPDX-License-Identifier: MIT
"""What somebody else does between two runs, and what the model makes of it."""

import random

import ledger
from model import Row, Thing, Version

NEW_SIZES = [3, 4097, 9000]
LARGE = 1 << 20  # of several parts


class Changer:
    """Source and rows of a world are changed; the journal tells what was on its way just then."""

    def __init__(self, world, book):
        self.world, self.model, self.book = world, world.model, book
        self.records = book.by_key()

    def pick(self, n, things):
        return things[n % len(things)] if things else None

    def make(self, name, n):
        """What was done, as a text; None: there is nothing of that kind."""
        return getattr(self, name)(n)

    # ---- The source -----------------------------------------------------------------

    def present(self):
        return [t for t in self.model.things.values() if t.now is not None]

    def state(self, thing):
        """planned, saved (copied, and its batch is open), settled (copied or same), failed, or none."""
        records = self.records.get(thing.key, [])
        if not records:
            return "none"
        record = records[-1]
        if record.name == "planned":
            return "planned"
        if record.state in (ledger.COPIED, ledger.SAME):
            return "settled" if record.batch_state >= ledger.BATCH_COPIED else "saved"
        return "failed"

    def crossed(self, thing):
        """A copy may lie there that the journal does not hold for ours, or not durably."""
        return self.state(thing) in ("planned", "saved")

    def change(self, thing, size):
        if self.crossed(thing):
            thing.loose.add("conflict")
            thing.may_lie_there = True
        self.world.write_version(thing, size)
        return f"{thing.key} changed in the source"

    def modify(self, n):
        thing = self.pick(n, [t for t in self.present() if t.now.size < LARGE])
        return thing and self.change(thing, NEW_SIZES[n % 3] + len(thing.versions))

    def rewrite(self, n):
        """A large one gets other bytes, as many: some of its parts may be at the destination."""
        thing = self.pick(n, [t for t in self.present() if t.now.size >= LARGE])
        return thing and self.change(thing, thing.now.size)

    def remove(self, n):
        thing = self.pick(n, self.present())
        if thing is None:
            return None
        if self.state(thing) != "settled":
            thing.loose |= {"gone", "missing"}
            thing.may_lie_there = True
        self.world.source.remove(thing.key)
        thing.now = None
        return f"{thing.key} removed from the source"

    def restore(self, n):
        """What was removed comes back with other bytes."""
        thing = self.pick(n, [t for t in self.model.things.values() if t.now is None and t.versions])
        if thing is None:
            return None
        thing.loose.add("conflict")
        self.world.write_version(thing, 77 + n % 5)
        return f"{thing.key} came back"

    def add(self, n):
        number = max(t.number for t in self.model.things.values()) + 1
        key = b"image/%s/new-%d.png" % (b"abz"[n % 3 : n % 3 + 1], number)
        thing = self.model.add_thing(Thing(key, number))
        self.world.write_version(thing, NEW_SIZES[n % 3])
        return f"{key} is new in the source"

    # ---- Rows -----------------------------------------------------------------------

    def rows(self):
        return [r for _, r in sorted(self.model.rows.items()) if not r.refused and not r.text]

    def database_of(self, row):
        return self.model.databases.index(row.database)

    def value_now(self, row):
        """What stands there, and whether the job changed it."""
        found = row.database.dump()[str(row.number)][row.database.column][1]
        return None if found is None else found.encode("utf-8", "surrogateescape")

    def cross(self, row, outcome):
        """An intent that is open for this row comes to something else now."""
        thing = self.model.things.get(row.keys[0])
        if row.keys[0] in self.model.missing or (thing and thing.now is None):
            self.model.missing_slack += 1
        for intent in self.book.open_intents(self.database_of(row), row.number):
            self.model.expected[intent.chunk, intent.n] = outcome
            if self.value_now(row) == intent.after and intent.after != intent.before:
                self.model.uncounted += 1

    def write(self, row, keys, value=None):
        """The application writes a row that names these keys, or nothing of ours."""
        self.cross(row, ledger.CONFLICT)
        row.keys = keys
        row.settle()
        if value is not None:
            row.app_value = value
        column, service = row.database.column, ", service = 'local'" if row.database.set else ""
        self.world.execute(
            f"UPDATE {row.database.table} SET {column} = {self.world.literal(row.app_value)}{service}"
            f" WHERE id = {row.number};"
        )
        row.updates_before = row.database.updates().get(str(row.number), 0)

    def rowadd(self, n):
        thing = self.pick(n, list(self.model.things.values()))
        database = [d for d in self.model.databases if not d.holds_texts][n % 2]
        numbers = [number for table, number in self.model.rows if table == database.table]
        numbers += [number for table, number in self.model.deleted if table == database.table]
        row = Row(database, max(numbers) + 1, [thing.key])
        self.world.insert([row])
        return f"{database.table} {row.number} is new and names {thing.key}"

    def rowmove(self, n):
        row = self.pick(n, self.rows())
        # with keys from rows any value would be a key
        self.write(row, [None], None if self.model.from_rows or n % 2 else b"elsewhere/%d" % n)
        return f"{row.database.table} {row.number} names nothing any more"

    def rowname(self, n):
        row = self.pick(n, self.rows())
        thing = self.pick(n * 7, list(self.model.things.values()))
        self.write(row, [thing.key])
        return f"{row.database.table} {row.number} names {thing.key}"

    def rowdelete(self, n):
        row = self.pick(n, self.rows())
        self.cross(row, ledger.ROW_GONE)
        gone = row.database.updates().get(str(row.number), 0)
        self.world.execute(f"DELETE FROM {row.database.table} WHERE id = {row.number};")
        self.model.deleted.add((row.database.table, row.number))
        del self.model.rows[row.database.table, row.number]
        return f"{row.database.table} {row.number} was deleted ({gone} updates)"
