# SPDX-License-Identifier: MIT
"""What a dry run says beforehand, against what the run does by the model."""

from pages import REFUSED, UNFIT


class Foretold:
    def __init__(self, hold, run):
        self.hold_, self.run = hold, run

    def hold(self, status, told):
        run, same = self.run, self.hold_.same
        if run.status == UNFIT:
            same("D", "status", status, UNFIT)
        elif run.status == REFUSED:
            same("D", "status", status, 3)
            if not told["keys that collide"] + told["chained names"]:
                self.hold_.say("D", "it does not foretell keys that meet")
        else:
            self.hold_numbers(status, told)

    def hold_numbers(self, status, told):
        run, same = self.run, self.hold_.same
        fails = [r for r in self.planned() if r.fail in ("unmatched", "collision")]
        collide = sum(r.fail == "collision" for r in fails)
        n = len(fails) - collide
        # whether a key without a rule is planned again, or is one that failed before, no page says
        before = run.before.memory.records if run.before.memory else {}
        again = sum(r.fail == "unmatched" and r.key in before for r in fails)
        same("D", "status", status, {3 if n - again + collide else 0, 3 if fails else 0})
        same("D", "would fail", told["would fail"], {n - again, n})
        same("D", "keys that collide", told["keys that collide"], collide)
        # those that collide are no others than these before somebody decides
        tried = [r for r in self.planned() if r.fail != "unmatched" and self.is_there(r)]
        same("D", "objects to copy", told["objects to copy"], len(tried))
        follow = {r.key: r for r in tried + self.copied_before()}
        same("D", "rows to change", told["rows to change"], sum(self.rows(r) for r in follow.values()))

    def copied_before(self):
        """What is copied, and whose rows the run looks for: those that wait; in later passes all."""
        memory = self.run.before.memory
        if memory is None:
            return []
        found = set(memory.waiting)
        if self.run.memory.passes > 1 and memory.keeps_all:
            found |= set(memory.records)
        return [memory.records[k] for k in found if memory.records[k].is_there and k not in self.run.planned]

    def planned(self):
        return [self.run.memory.records[k] for k in self.run.planned]

    def is_there(self, record):
        in_place = self.run.settings.one_place and record.new == record.key
        return record.key in self.run.before.picture.source and not in_place

    def rows(self, record):
        """That name it before the run."""
        if record.new == record.key:
            return 0
        values = {name: self.run.settings.value(name, record.key) for name, _, _ in self.run.settings.tables}
        rows = self.run.before.picture.rows.items()
        return sum(row.value == values[table] for (table, _), row in rows)
