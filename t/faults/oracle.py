# SPDX-License-Identifier: MIT
"""Is a world in order, after any run of any sequence? One line for each violation.

N    a row points to nothing: what it names is not there, or not whole
R    a row is not what it may be, or was changed more often than once
D    a copy that the journal calls durable was never synced
O    an object's class is not what it may be, or its copy not what the class says
C    a counter does not say what the world shows
S    an exit status lies
L    something is left behind
J    the journal is not sound
E    at the end: something is not done, or would be done again
"""

import json
import os
import subprocess

import ledger
from ledger import Ledger
from rowcheck import check_left_rows, check_rows, show

TEMPORARY = (b".migrate-", b"migrate-scratch")


class Damaged(Exception):
    """A program says that of the journal."""


class Look:
    """The world as it is after a run, read once."""

    def __init__(self, world, disk):
        self.world, self.model, self.disk = world, world.model, disk
        self.ledger = Ledger(world.path("world.journal"))
        self.records = self.ledger.by_key()
        self.there = world.destination.keys()
        self.copies = {}
        self.dumps = {d.table: d.dump() for d in self.model.databases}
        self.updates = {d.table: d.updates() for d in self.model.databases}
        self.status = self.ask_status()
        self.problems = []

    def say(self, kind, text):
        self.problems.append(f"{kind}: {text}")

    def copy(self, key):
        if key not in self.copies:
            self.copies[key] = self.world.destination.version(key) if key in self.there else None
        return self.copies[key]

    def ask_status(self):
        if not self.ledger.exists:
            return None
        answer = subprocess.run(
            ["migrate-status", "--json", self.world.path("job.yml")],
            capture_output=True, timeout=60, check=False,
        )
        if answer.returncode == 7:
            raise Damaged(os.fsdecode(answer.stderr))
        if answer.returncode != 0:
            raise RuntimeError(f"migrate-status: {answer.returncode}: {os.fsdecode(answer.stderr)}")
        return json.loads(answer.stdout)

    def is_whole(self, thing):
        return self.copy(thing.new_key) in thing.wholes()

    def risk(self, thing):
        """What a power loss may take of a copy, as far as calls tell; "": nothing."""
        if self.world.destination.kind != "posix":
            return ""
        return self.disk.risk(os.path.join(os.fsencode(self.disk.root), thing.new_key))

    def final_class(self, thing):
        records = self.records.get(thing.key)
        return records[-1].name if records else "none"

    def is_done(self, key):
        """For rows: the journal says so, and the model does not say no."""
        records = self.records.get(key, [])
        return bool(records) and records[-1].state in (ledger.COPIED, ledger.SAME)


# ---- Objects ------------------------------------------------------------------------


def check_records(look, final):
    for key, records in look.records.items():
        thing = look.model.things.get(key)
        if thing is None:
            if key in look.model.missing and look.model.from_rows:
                check_missing(look, key, records)
            else:
                look.say("O", f"{show(key)}: in the journal, and never in the source")
            continue
        if len(records) > 1:
            look.say("O", f"{show(key)}: {len(records)} records: {[r.name for r in records]}")
        check_class(look, thing, records[-1], final)
    if final:
        for thing in look.model.things.values():
            if thing.key not in look.records and look.model.is_part(thing):
                if "none" not in thing.final_classes():
                    look.say("E", f"{show(thing.key)}: was never planned")


def check_missing(look, key, records):
    for record in records:
        if record.name not in ("planned", "gone", "missing"):
            look.say("O", f"{show(key)}: {record.name}, and was never in the source")


def check_class(look, thing, record, final):
    right = thing.final_classes() if final else thing.classes()
    if "objects" in look.model.faults:
        right = right | {"failed"}
    if record.name == "planned":
        if final:
            look.say("E", f"{show(thing.key)}: still planned")
    elif record.name not in right:
        kind = "E" if final and record.name in thing.classes() else "O"
        text = os.fsdecode(record.message or b"")
        look.say(kind, f"{show(thing.key)}: {record.name}, not {' or '.join(sorted(right))}: {text}")
    if record.is_there:
        thing.was_settled = True
        if not look.is_whole(thing):
            look.say("O", f"{show(thing.key)}: {record.name}, and its copy is {look.copy(thing.new_key)}")
        elif look.risk(thing):
            look.say("D", f"{show(thing.key)}: {record.name}, and a power loss takes {look.risk(thing)} of it")
    if final and record.name == "done" and thing.now and look.copy(thing.new_key) != thing.now:
        look.say("E", f"{show(thing.key)}: its copy is not of the present source")


def check_destination(look, final):
    for key in sorted(look.there):
        thing = look.model.by_new_key.get(key)
        if key in look.model.others:
            if look.copy(key) != look.model.others[key]:
                look.say("O", f"{show(key)}: somebody else's, and changed")
        elif thing is None:
            temporary = any(p in key for p in TEMPORARY)
            if final or not temporary:
                look.say("L", f"{show(key)}: left at the destination")
        else:
            check_copy(look, thing, final)
    for key in set(look.model.others) - look.there:
        look.say("O", f"{show(key)}: somebody else's, and gone")


def check_copy(look, thing, final):
    copy = look.copy(thing.new_key)
    if copy in thing.wholes():
        thing.torn = False
    if thing.prior and thing.prior not in thing.versions and copy != thing.prior:
        look.say("O", f"{show(thing.new_key)}: was there before with other content, and changed")
    elif copy not in thing.wholes() and (final or not thing.torn):
        if not (final and look.final_class(thing) in ("conflict", "gone", "missing", "none")):
            look.say("O", f"{show(thing.new_key)}: {copy}, which no source ever held")
    if final and not thing.prior and not thing.may_lie_there:
        if look.final_class(thing) not in ("done", "conflict"):
            look.say("L", f"{show(thing.new_key)}: a copy, and its object is {look.final_class(thing)}")


def check_source(look):
    world = look.world
    there = world.source.keys()
    for thing in look.model.things.values():
        if (thing.now is not None) != (thing.key in there):
            look.say("O", f"{show(thing.key)}: came to or went from the source")
        elif thing.now is not None and world.source.version(thing.key) != thing.now:
            look.say("O", f"{show(thing.key)}: changed in the source")


# ---- Counters, journal, what is left ------------------------------------------------


def check_counters(look, final):
    book, status, model = look.ledger, look.status, look.model
    objects, rows = status["objects"], status["rows"]
    names = [r.name for r in book.records]
    want = {n: names.count(n) for n in ("done", "same", "skipped", "gone", "planned")}
    want["failed"] = sum(names.count(n) for n in ("failed", "conflict", "missing"))
    for name, n in want.items():
        if objects[name] != n:
            look.say("C", f"{objects[name]} objects {name} in the status, {n} in the journal")
    if sum(objects[n] for n in want) != objects["total"]:
        look.say("C", f"classes of objects do not add up: {objects}")
    updates = sum(sum(u.values()) for u in look.updates.values()) - model.uncounted
    settled = rows["changed"] + rows["already"]
    if not settled <= updates <= settled + book.open_rows:
        look.say("C", f"{rows} rows, and {updates} rows changed ({book.open_rows} in open intents)")
    for name, outcomes in (("conflict", (ledger.CONFLICT,)), ("gone", (ledger.ROW_GONE,)),
                           ("failed", (ledger.ROW_FAILED,))):
        if rows[name] != book.counted(*outcomes):
            look.say("C", f"{rows[name]} rows {name}, and {book.counted(*outcomes)} such outcomes")
    check_left_rows(look, final)


def check_journal(look):
    book = look.ledger
    for text in book.problems:
        look.say("J", text)
    answer = subprocess.run(
        ["migrate-verify", "--journal", look.world.path("job.yml")],
        capture_output=True, timeout=60, check=False,
    )
    if answer.returncode != 0:
        look.say("J", f"migrate-verify --journal: {answer.returncode}: {os.fsdecode(answer.stderr)}")


def check_beside(look, final):
    """Beside the job file stand the ends, the journal, and nothing that was forgotten."""
    suffixes = {"", "-lock", "-wal", "-shm", "-control"}
    ours = {"world.journal" + s for s in suffixes} | {"job.yml", "src", "dst"}
    if not final:
        ours |= {"app.db-journal", "app.db-wal", "app.db-shm", "world.journal-new"}
        ours |= {"world.journal-new-journal", "world.journal-journal"}
    for name in os.listdir(look.world.folder):
        scratch = name.startswith(("world.journal-scratch-", "world.journal-control")) and not final
        if name not in ours and name != "app.db" and not scratch:
            look.say("L", f"{name}: left beside the job file")


def check_settled(look):
    """Nothing is half-done after a run that said so."""
    if not look.ledger.is_finished():
        look.say("S", "the run said that all is done, and the journal that it is not")
    if look.ledger.open_chunks:
        look.say("E", f"{look.ledger.open_chunks} intents have no outcome")
    for upload in look.ledger.uploads:
        look.say("L", f"upload {upload!r}: in the journal, and all is done")
    for key in look.world.destination.uploads():
        look.say("L", f"{key}: an upload that nobody will go on with")


def check(look, final):
    """After any run. final: it said that all is done, and nothing changed since."""
    for database in look.model.databases:
        if not database.is_sound():
            look.say("R", f"{database.table}: the database is damaged")
    if look.ledger.exists:
        check_records(look, final)
        check_journal(look)
        check_counters(look, final)
    check_destination(look, final)
    check_rows(look, final)
    check_beside(look, final)
    if final:
        check_settled(look)
        check_source(look)
    return look.problems
