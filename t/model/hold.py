# SPDX-License-Identifier: MIT
"""Holds the world and what programs say against what the model knows. A letter for each kind of difference:

S    an exit status              B    bytes at the source or the destination
R    rows                        C    a counter
F    --failed                    X    --explain
V    migrate-verify              D    a dry run, or what it foretold
"""

from said import LastLines, StatusText, ask, ask_json, key_of
from scene import NAMES
from verdict import DIFFERENT, TRUE, Verdict

CLASSES = ("done", "same", "skipped", "gone", "failed")


class Hold:
    """problems: a line for each difference."""

    def __init__(self, scene, memory):
        self.scene, self.memory = scene, memory
        self.picture, self.job = scene.picture, scene.path("job.yml")
        self.problems = []

    def say(self, kind, text):
        self.problems.append(f"{kind}: {text}")

    def same(self, kind, what, got, want):
        wanted = want if isinstance(want, (set, frozenset)) else {want}
        if got not in wanted:
            self.say(kind, f"{what}: {got} instead of {' or '.join(str(w) for w in sorted(wanted))}")

    # ---- The world ------------------------------------------------------------------

    def world(self):
        ends = {"source": self.scene.source, "destination": self.scene.destination}
        if self.scene.settings.one_place:
            del ends["destination"]
        for name, place in ends.items():
            self.tree(name, self.scene.objects_now(place), getattr(self.picture, name))
        self.rows_now()

    def tree(self, name, now, known):
        for key in sorted(set(now) | set(known)):
            want = known[key].data if key in known else None
            if now.get(key) != want:
                self.say("B", f"{name}: {key} holds {now.get(key)} instead of {want}")

    def rows_now(self):
        now = self.scene.rows_now()
        for where in sorted(set(now) | set(self.picture.rows)):
            row = self.picture.rows.get(where)
            if row is None or where not in now:
                self.say("R", f"{where}: {'came from nowhere' if row is None else 'is gone'}")
            elif now[where] != row.value:
                self.say("R", f"{where}: holds {now[where]} instead of {row.value}")

    # ---- Counters -------------------------------------------------------------------

    def last_lines(self, text, copied):
        lines, memory = LastLines(text), self.memory
        self.same("C", "copied by this run", lines.copied, copied)
        for name in CLASSES:
            self.same("C", f"last lines: {name}", lines.objects.get(name), memory.count(name))
        self.same("C", "last lines: objects", lines.objects.get("total"), len(memory.records))
        names = {"changed": "changed", "already": "already", "conflicts": "conflict", "gone": "gone",
                 "failed": "failed", "named": "missing"}
        self.row_numbers("last lines", {ours: lines.rows.get(name, 0) for name, ours in names.items()})
        self.same("C", "last lines: orphaned", lines.orphaned, memory.orphaned)

    def row_numbers(self, where, told):
        """A run that was struck may find that it changed rows already."""
        if self.memory.was_struck:
            told = {**told, "changed": told["changed"] + told["already"], "already": 0}
        for name, n in self.row_counts().items():
            self.same("C", f"{where}: rows {name}", told[name], n)

    def row_counts(self):
        """How many of each there may be."""
        memory = self.memory
        return {"changed": memory.changes, "already": 0, "conflict": 0, "gone": 0,
                "failed": len(memory.failed_rows()), "missing": memory.missing}

    def status(self):
        _, told = ask_json("migrate-status", "--json", self.job)
        memory = self.memory
        want = {n: memory.count(n) for n in CLASSES}
        want.update(planned=0, total=len(memory.records))
        for name, n in want.items():
            self.same("C", f"status: objects {name}", told["objects"][name], n)
        self.row_numbers("status", told["rows"])
        self.same("C", "status: pass", told["pass"], memory.passes)
        self.same("C", "status: failures", str(told["failures_by_class"]), str(in_order(told, memory)))
        sizes = [r.size for r in memory.records.values()]
        copied = [r.size for r in memory.records.values() if r.state == "done"]
        # of what no listing brought the size is known, or not yet: no page says
        if self.scene.settings.keys_from == "source":
            self.same("C", "status: bytes", told["bytes"]["total"], sum(sizes))
        self.same("C", "status: bytes copied", told["bytes"]["copied"], sum(copied))
        if memory.finished:
            self.same("C", "status: state", told["state"], "finished")
            self.same("C", "status: open batches", told["open_batches"], 0)
        self.same("C", "status: orphaned", told["orphaned"], memory.orphaned)
        if memory.passes == 1 and memory.finished and not memory.was_first:
            over = told["passed_over"]
            self.same("C", "status: passed over", over["rule"] + over["own"], memory.passed_over)
        return told

    def status_text(self, told):
        text = StatusText(ask("migrate-status", self.job)[1])
        for name, n in told["objects"].items():
            shown = "copied" if name == "done" else name
            self.same("C", f"status as text: {shown}", text.objects.get(shown), n)
        for name, n in told["rows"].items():
            self.same("C", f"status as text: rows {name}", text.rows.get(name), n)
        self.same("C", "status as text: failures", str(text.failures), str(told["failures_by_class"]))

    # ---- What is told of one key ------------------------------------------------------

    def failed(self):
        _, told = ask_json("migrate-status", "--json", "--failed", self.job)
        listed = sorted(of_json(o) for o in told["failed"])
        want = sorted((r.key, r.new or b"", r.state, r.fail) for r in self.memory.records.values() if r.state == "failed")
        self.same("F", "--failed", str(listed), str(want))
        rows = sorted((r["database"], r["row"], key_of(r["old"]), r["outcome"]) for r in told["rows"])
        tables = [name for name, _, _ in self.scene.settings.tables]
        want = sorted((tables.index(t), f"id={i}", o.old, "failed")
                      for (t, i), o in self.memory.failed_rows().items())
        self.same("F", "--failed: rows", str(rows), str(want))

    def explain(self, key):
        _, told = ask_json("migrate-status", "--json", "--explain", key.decode(), self.job)
        record = self.memory.records.get(key)
        if record is None:
            self.explain_stranger(key, told)
            return
        if self.memory.keeps_all or record.state == "failed":
            newest = told["objects"][-1] if told["objects"] else {}
            state = "copied" if record.state == "done" else record.state
            want = (key, record.new or b"", state, record.fail or "")
            self.same("X", f"{key}: object", of_json(newest) if newest else None, want)
        if self.memory.keeps_all:
            self.explain_rows(key, told)

    def explain_rows(self, key, told):
        tables = [name for name, _, _ in self.scene.settings.tables]
        found = {(tables[r["database"]], int(r["row"].split("=")[1])): r for r in told["rows"]
                 if r["outcome"] != "retried"}
        for where, outcome in self.memory.rows.items():
            if outcome.key == key and where in found:
                row = found.pop(where)
                self.same("X", f"{key}: row {where}", (key_of(row["old"]), row["outcome"]), (outcome.old, outcome.what))
            elif outcome.key == key:
                self.say("X", f"{key}: nothing is said of row {where}, which was {outcome.what}")
        for where in set(found) - set(self.memory.rows):
            self.say("X", f"{key}: row {where} was never named so")

    def explain_stranger(self, key, told):
        is_new_key = any(r.new == key for r in self.memory.records.values())
        if not is_new_key:
            self.same("X", f"{key}: its key", key_of(told["key"]), key)
        self.same("X", f"{key}: found", told["found"] and not is_new_key, False)
        if self.scene.settings.is_excluded(key):
            self.same("X", f"{key}: left out by a pattern", told["left_out_by"] is not None, True)

    # ---- migrate-verify ---------------------------------------------------------------

    def verify(self, state, as_text):
        verdict = Verdict(state)
        status, told = ask_json("migrate-verify", "--progress=none", "--json", self.job)
        found = sorted((key_of(d["key"]), d["kind"]) for d in told["differences"])
        self.same("V", "differences", str(found), str(verdict.differences))
        self.same("V", "status", status, verdict.statuses())
        self.same("V", "exit in JSON", told["exit"], status)
        self.same("V", "objects", told["objects"], verdict.objects)
        self.same("V", "changed again", told["changed_again"], verdict.changed_again)
        self.same("V", "changed elsewhere", told["changed_elsewhere"], verdict.changed_elsewhere)
        self.same("V", "removed", told["removed"], verdict.removed)
        self.same("V", "finished", told["finished"], self.memory.finished)
        for kind, n in told["different"].items():
            self.same("V", f"{kind} counted", n, sum(k == kind for _, k in found))
        if as_text:
            self.verify_text(status, found)

    def verify_text(self, status, found):
        again, out, _ = ask("migrate-verify", "--progress=none", self.job)
        self.same("V", "status of the text", again, status)
        self.same("V", "it says that all is true", "true" in out, status != DIFFERENT)
        if status == DIFFERENT and f"{len(found)} difference" not in out:
            self.say("V", f"it does not say {len(found)} differences: {out}")


def of_json(told):
    """An object of --failed or --explain."""
    return key_of(told["key"]), key_of(told["new_key"]) or b"", told["state"], told.get("class") or ""


def in_order(told, memory):
    """The model's failures by class, in the order of what is told."""
    ours = memory.failures_by_class()
    names = list(told["failures_by_class"]) + sorted(set(ours) - set(told["failures_by_class"]))
    return {n: ours[n] for n in names if n in ours}


def any_key(rng, memory):
    return rng.choice(sorted(set(NAMES) | set(memory.records)))
