# SPDX-License-Identifier: MIT
"""What migrate-verify(1) says of a world: its differences, its counters, its status."""

TRUE, LEFT_BEHIND, UNFINISHED, DIFFERENT, UNKNOWN = 0, 3, 4, 10, 12


class Verdict:
    def __init__(self, state):
        self.picture, self.settings, self.memory = state.picture, state.settings, state.memory
        self.differences = []  # (key, kind), a row's as often as there are such rows
        self.objects = self.changed_again = self.changed_elsewhere = self.removed = self.rows = 0
        for record in self.memory.records.values():
            if record.is_there and not self.is_dropped(record):
                self.look_at_copy(record)
                self.look_for_old_values(record)
            elif record.was_there and record.new not in self.picture.destination and self.memory.keeps_all:
                self.differences.append((record.key, "absent"))  # an earlier pass left one
        self.look_at_rows()
        self.differences.sort()

    def is_dropped(self, record):
        """keep: failures: what no failed row names, and whose rows do not wait."""
        failed = {outcome.key for outcome in self.memory.failed_rows().values()}
        return not self.memory.keeps_all and record.key not in self.memory.waiting | failed

    def look_at_copy(self, record):
        self.objects += 1
        there = self.picture.destination.get(record.new)
        size = record.size
        if there is None:
            self.differences.append((record.key, "absent"))
        elif len(there.data) != size:
            self.differences.append((record.key, "size"))
        elif there.stamp != record.stored and there.data != record.data:
            self.differences.append((record.key, "bytes"))

    def look_for_old_values(self, record):
        """Rows that hold an old value of what is done."""
        if record.new == record.key or record.key in self.memory.waiting:
            return
        for name, _, _ in self.settings.tables:
            old = self.settings.value(name, record.key)
            for (table, _), row in self.picture.rows.items():
                if table == name and row.value == old:
                    self.differences.append((record.key, "row-old"))

    def look_at_rows(self):
        """Whether each row that was changed holds the new value of its newest change."""
        for where, outcome in self.memory.rows.items():
            if outcome.what != "changed" or not self.memory.keeps_all:
                continue
            self.rows += 1
            row = self.picture.rows.get(where)
            if row is None or row.value is None:
                self.removed += 1
            elif row.value == outcome.new:
                continue
            elif self.is_right_again(where, row):
                self.changed_again += 1
            elif self.settings.key_in(where[0], row.value) in self.picture.destination:
                self.changed_elsewhere += 1
            else:
                self.differences.append((outcome.key, "row-lost"))

    def is_right_again(self, where, row):
        """It names another object of this job, by its new value."""
        key = self.settings.key_in(where[0], row.value)
        return key in self.memory.new_keys()

    def failed(self):
        return sum(not r.is_there for r in self.memory.records.values())

    def statuses(self):
        """The statuses that are right; where several would be, the page does not say which."""
        if self.differences:
            return {DIFFERENT}
        found = set()
        if not self.memory.finished:
            found.add(UNFINISHED)
        if self.memory.count("failed") or self.memory.failed_rows():
            found.add(LEFT_BEHIND)
        if any(self.is_dropped(r) for r in self.memory.records.values() if r.is_there):
            found.add(UNKNOWN)
        return found or {TRUE}
