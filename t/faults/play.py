# SPDX-License-Identifier: MIT
"""Plays one sequence: runs with disasters, what happens between them, and the way to an end."""

import os
import signal
import subprocess

import oracle
from changes import Changer
from durable import Disk
from ledger import Ledger
from lines import Violation, unknown
from steps import Step, strike_later
from worlds import World

DONE, NOT_REACHED, SOME_FAILED, INTERRUPTED, LOCKED, JOURNAL, OUTAGE = 0, 2, 3, 4, 6, 8, 9
KILLAT_FAILED, DAMAGED, TIMEOUT = 125, 7, 90
RUNS_TO_AN_END = 6


class Play:
    def __init__(self, kind, seed, steps, folder, servers, say=None):
        self.steps, self.folder, self.servers = steps, folder, servers
        self.say = say or (lambda text: None)
        self.out = os.path.join(folder, "out")
        os.makedirs(self.out, exist_ok=True)
        self.world = World(kind, seed, os.path.join(folder, "w"), servers)
        self.model = self.world.model
        self.disk = Disk(self.world.path("dst"))
        self.model.await_all()
        if self.world.synced:
            self.disk.settle()
        self.armed = []

    def file(self, name):
        return os.path.join(self.out, name)

    # ---- A run ----------------------------------------------------------------------

    def command(self, step):
        run = ["migrate-run", "--progress=none"] + step.options_of_run()
        for arm in self.armed:
            if arm.name == "slow":
                run += ["--set", f"limits.requests={arm.argument}"]
            elif arm.name == "rows":
                run += ["--set", f"limits.rows={arm.argument}"]
        return run + [self.world.path("job.yml")]

    def arm(self):
        """The servers' faults, for one run."""
        rules = [a.argument.replace(",", " ") for a in self.armed if a.name == "s3"]
        if rules:
            self.servers.s3.script("\n".join(rules) + "\n")
        plans = [a.argument.replace(",", " ") for a in self.armed if a.name == "commit"]
        if plans:
            self.servers.postgres.plan(plans)

    def disarm(self):
        if any(a.name == "s3" for a in self.armed):
            self.servers.s3.script("")
        if any(a.name == "commit" for a in self.armed):
            self.servers.postgres.plan([])
        self.armed = []

    def twin(self):
        """A second run of the job, beside the first: its status is all that it leaves."""
        job = self.world.path("job.yml")
        return f"migrate-run --progress=none {job} >{self.file('twin')} 2>&1; echo $? >{self.file('status')}"

    def run(self, step):
        """The status of migrate-run (128 + a signal that ended it), and what killat says."""
        killat = [self.servers.killat, "--report", self.file("report"), "--history", self.file("history")]
        killat += step.options_of_killat(self.twin()) + ["--"]
        for name in ("report", "status"):
            if os.path.exists(self.file(name)):
                os.unlink(self.file(name))
        self.arm()
        self.disk.begin()
        with open(self.file("said"), "wb") as said:
            process = subprocess.Popen(killat + self.command(step), stdout=said, stderr=said)
            strike_later(step, process)
            try:
                status = process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise Violation([f"S: {step}: it hangs", self.said()]) from None
        self.disarm()
        self.disk.read(self.file("history"))
        report = self.read("report") or "by the clock"
        return 128 - status if status < 0 else status, report

    def read(self, name):
        try:
            with open(self.file(name), encoding="utf-8", errors="surrogateescape") as f:
                return f.read().strip()
        except FileNotFoundError:
            return ""

    def said(self):
        return "\n".join("  | " + line for line in self.read("said").splitlines()[-8:])

    # ---- What may come of it --------------------------------------------------------

    def statuses(self, step, struck):
        """The exit statuses that are honest after what happened."""
        right = {DONE, SOME_FAILED}
        if self.faults:
            right |= {OUTAGE, NOT_REACHED}
        if not struck:
            return right
        if step.is_kill:
            return {137} if step.calls else right | {137}
        if step.is_signal:
            number = getattr(signal, "SIG" + step.name.upper())
            return right | {INTERRUPTED, 128 + number}
        if step.name == "fail":
            return right | {OUTAGE, JOURNAL}
        return right

    def note_faults(self, step, struck):
        """What may end as failed by what was done to this run, until it is tried again."""
        self.faults = {a.name for a in self.armed if a.name in ("s3", "commit")}
        if step.name == "fail" and struck:
            self.faults.add("fail")
        if "s3" in self.faults or (step.name == "fail" and step.where != "journal"):
            self.model.faults.add("objects")
        if "commit" in self.faults or (step.name == "fail" and step.where in (None, "db")):
            self.model.faults.add("rows")

    def run_step(self, step):
        armed = list(self.armed)
        status, report = self.run(step)
        struck = not report.startswith("not reached")
        self.say(f"{step}: {report}: status {status}")
        self.armed = armed
        self.note_faults(step, struck)
        self.armed = []
        if status == KILLAT_FAILED:
            raise RuntimeError(f"killat failed: {self.said()}")
        if status not in self.statuses(step, struck):
            raise Violation([f"S: {step}: status {status} ({report})", self.said()])
        if step.name == "twin" and struck and self.read("status") != str(LOCKED):
            raise Violation([f"S: a second run ended with {self.read('status')}", self.read("twin")])
        look = self.look(final=False)
        self.check_uploads(step, status, look)
        if status in (DONE, SOME_FAILED):
            self.check_honesty(step, status, look)
        return status

    def check_uploads(self, step, status, look):
        """A run that ended by itself has journalled each upload that it leaves at the destination."""
        journalled = {os.fsencode(u) if isinstance(u, str) else u for u in look.ledger.uploads}
        unknown = {u.encode() for u in self.world.destination.uploads()} - journalled
        if status in (INTERRUPTED, OUTAGE):  # the next run finds what the server was tried with
            unknown = {u for u in unknown if b"-scratch-" not in u}
        by_itself = status in (DONE, SOME_FAILED, INTERRUPTED, OUTAGE) and not step.again
        if not by_itself or "s3" in self.faults:
            self.model.lost_uploads |= unknown
        elif unknown - self.model.lost_uploads:
            raise Violation([f"L: {step}: uploads that the journal does not know: {unknown}", self.said()])

    def check_honesty(self, step, status, look):
        """0 and 3 say that all is done, and 3 that something failed."""
        counts = look.status
        failed = counts["objects"]["failed"] + counts["rows"]["failed"] + counts["rows"]["conflict"]
        if status != (SOME_FAILED if failed else DONE):
            raise Violation([f"S: {step}: status {status}, and {failed} failed", self.said()])
        if step.name not in ("copy", "first"):
            self.check_whole(step, status, look)

    def check_whole(self, step, status, look):
        """The run came to the end of a pass: nothing is open, and all that it had to find was found."""
        if not look.ledger.is_finished():
            raise Violation([f"S: {step}: status {status}, and the journal has open work", self.said()])
        unheard = [t.key for t in self.model.things.values()
                   if t.awaited and t.now and t.key not in look.records]
        if unheard:
            raise Violation([f"E: {step}: status {status}, and never planned: {unheard}", self.said()])
        self.model.await_all()

    def look(self, final):
        for database in self.model.databases:
            database.recover()
        try:
            look = oracle.Look(self.world, self.disk)
        except oracle.Damaged as damage:
            raise Violation([f"J: {damage}", self.said()]) from None
        problems = unknown(oracle.check(look, final))
        if problems:
            raise Violation(problems + [self.said()])
        return look

    # ---- Between runs ---------------------------------------------------------------

    def lose_power(self, step):
        if self.world.destination.kind != "posix":
            return
        lost = [(os.path.relpath(path, os.fsencode(self.disk.root)), how)
                for path, how in self.disk.lose_power(int(step.argument))]
        records = Ledger(self.world.path("world.journal")).by_key()
        for key, how in lost:
            self.say(f"  power: {os.fsdecode(key)}: {how}")
            self.model.lose(key, self.version_of(key), records)
        self.say(f"{step}: {len(lost)} files damaged")
        self.look(final=False)

    def version_of(self, key):
        place = self.world.destination
        return place.version(key) if place.has(key) else None

    def change(self, step):
        changer = Changer(self.world, Ledger(self.world.path("world.journal")))
        self.say(f"{step}: {changer.make(step.name, int(step.argument))}")

    # ---- The whole ------------------------------------------------------------------

    def play(self):
        for step in self.steps:
            if step.is_run:
                self.run_step(step)
            elif step.name == "power":
                self.lose_power(step)
            elif step.name in ("slow", "rows", "s3", "commit"):
                self.armed.append(step)
            else:
                self.change(step)
        self.armed = []
        self.come_to_an_end()

    def run_to_an_end(self, first="run"):
        for word in [first] + ["run"] * RUNS_TO_AN_END:
            if self.run_step(Step(word)) in (DONE, SOME_FAILED):
                return
        raise Violation([f"S: {RUNS_TO_AN_END} runs without a disaster come to no end", self.said()])

    def come_to_an_end(self):
        """Runs until one ends; what failed for a disaster's sake once more; then nothing is left."""
        self.run_to_an_end()
        if self.model.faults:
            self.run_to_an_end("retry")
            self.model.faults.clear()
        self.run_step(Step("run"))
        before = self.look(final=True)
        self.verify(before)
        self.run_step(Step("run"))
        self.nothing_moved(before, self.look(final=True))

    def verify(self, look):
        """Its differences are rows that are left for a reason."""
        answer = subprocess.run(
            ["migrate-verify", "--progress=none", "--readback", self.world.path("job.yml")],
            capture_output=True, timeout=TIMEOUT, check=False,
        )
        lines = os.fsdecode(answer.stdout).splitlines()
        wrong = [l for l in lines if "\t" in l and not self.is_known_difference(look, l)]
        if wrong or answer.returncode not in (0, 3, 10):
            raise Violation([f"E: migrate-verify: {answer.returncode}", *wrong[:8],
                             os.fsdecode(answer.stderr)])

    def is_known_difference(self, look, line):
        """A row that was refused or that the application took back; a source that moved on."""
        kind = line.split("\t")[2]
        return kind in ("row-old", "row-lost")

    def nothing_moved(self, before, after):
        """One more run of a finished job does nothing."""
        lines = []
        if before.updates != after.updates:
            lines.append("E: one more run updated rows")
        if before.dumps != after.dumps:
            lines.append("E: one more run changed rows")
        if before.there != after.there:
            lines.append("E: one more run changed the destination")
        counts = [{n: l.status[n] for n in ("objects", "rows")} for l in (before, after)]
        if counts[0] != counts[1]:
            lines.append(f"C: one more run changed the counters: {counts[0]} became {counts[1]}")
        if lines:
            raise Violation(lines + [self.said()])
