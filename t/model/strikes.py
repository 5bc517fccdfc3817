# SPDX-License-Identifier: MIT
"""Runs that do not come to their end by themselves, and the runs that bring them there."""

import os
import signal
import subprocess
import time

from hold import Hold
from pages import REFUSED, UNFIT, Run
from said import TIMEOUT, ask, ask_json
from steps import strike_later

DONE, SOME_FAILED, INTERRUPTED, JOURNAL, OUTAGE = 0, 3, 4, 8, 9
RUNS_TO_AN_END = 6


class Strikes:
    """The part of a Story that knows of them."""

    def strike(self, word):
        """A plain run with a fault of t/faults/steps.py in it."""
        run = Run(self.state())
        if run.status in (REFUSED, UNFIT):
            self.say(f"{word}: left out, the run would be refused")
            return
        step, report = word.strike, os.path.join(self.out, "report")
        killat = [self.servers.killat, "--report", report, *step.options_of_killat("true"), "--"]
        command = killat + ["migrate-run", "--progress=none", self.job]
        status = self.spawn(command, lambda process: strike_later(step, process))
        self.say(f"{word}: status {status}")
        hold = Hold(self.scene, self.memory)
        hold.same("S", f"{word}: status", status, self.statuses(step))
        self.halfway(hold, run)
        self.judge(hold, word)
        self.recover(word, run, status, retry=step.name == "fail")

    @staticmethod
    def statuses(step):
        """Those that are honest, whether it was struck or ended before."""
        right = {DONE, SOME_FAILED}
        if step.is_kill:
            return right | {137}
        if step.is_signal:
            return right | {INTERRUPTED, 128 + getattr(signal, "SIG" + step.name.upper())}
        return right | {2, JOURNAL, OUTAGE}

    def spawn(self, command, meanwhile):
        """The status; 128 and the signal that ended it."""
        with open(os.path.join(self.out, "said"), "wb") as said:
            process = subprocess.Popen(command, stdout=said, stderr=said)
            try:
                meanwhile(process)
                status = process.wait(TIMEOUT)
            finally:
                process.kill()
                process.wait()
        with open(os.path.join(self.out, "said"), encoding="utf-8", errors="replace") as said:
            self.text = said.read()
        self.said = [f"  | {line}" for line in self.text.splitlines()[-12:]]
        return 128 - status if status < 0 else status

    def halfway(self, hold, run):
        """After whatever: each object and row is as before or as the run leaves it, and no row points to nothing."""
        for database in self.scene.databases.values():
            if hasattr(database, "recover"):
                database.recover()
        now = self.scene.objects_now(self.scene.destination)
        before, after = run.before.picture, run.picture
        data = lambda known, key: known[key].data if key in known else None
        for key in set(now) | set(before.destination) | set(after.destination):
            if now.get(key) not in (data(before.destination, key), data(after.destination, key)):
                hold.say("B", f"{key}: holds {now.get(key)}, halfway")
        for where, value in self.scene.rows_now().items():
            if value not in (before.rows[where].value, after.rows[where].value):
                hold.say("R", f"{where}: holds {value}, halfway")
            elif value != before.rows[where].value:
                new = run.settings.key_in(where[0], value)
                if now.get(new) != data(after.destination, new):
                    hold.say("R", f"{where}: names {new}, which is {now.get(new)}")

    def recover(self, word, run, status, retry):
        """Runs until one comes to its end; then all is as if one run had done it."""
        runs, out, err = 0, self.text, ""
        while status not in (DONE, SOME_FAILED) and runs < RUNS_TO_AN_END:
            status, out, err = ask("migrate-run", "--progress=none", self.job)
            runs += 1
        if retry:
            status, out, err = ask("migrate-run", "--progress=none", "--retry-failed", self.job)
        self.said = [f"  | {line}" for line in (out + err).splitlines()[-12:]]
        _, told = ask_json("migrate-status", "--json", self.job)
        while told["pass"] > run.memory.passes and run.status in (DONE, SOME_FAILED):
            run = Run(run.state, retry="" if retry else None)
        self.adopt(run)
        self.memory.was_struck = True
        hold = Hold(self.scene, self.memory)
        hold.same("S", f"after {word}: status", status, run.status)
        hold.world()
        if not hold.problems:
            self.look(hold, word)
        self.judge(hold, f"{word}, and runs to an end")

    # ---- Control ----------------------------------------------------------------------

    def stopped(self, word):
        """A slow run that migrate-control ends."""
        run = Run(self.state())
        if run.status in (REFUSED, UNFIT):
            return
        command = ["migrate-run", "--progress=none", "--set", "limits.requests=10", self.job]
        status = self.spawn(command, lambda process: self.stop(process, int(word.argument or 0)))
        self.say(f"{word}: status {status}")
        hold = Hold(self.scene, self.memory)
        hold.same("S", f"{word}: status", status, {DONE, SOME_FAILED, INTERRUPTED})
        self.halfway(hold, run)
        self.judge(hold, word)
        self.recover(word, run, status, retry=False)

    def stop(self, process, settled):
        """Once so many objects are settled, or it ended."""
        deadline = time.monotonic() + TIMEOUT
        while process.poll() is None and time.monotonic() < deadline:
            status, out, _ = ask("migrate-status", self.job)
            if status == 0 and "running" in out and self.settled() >= settled:
                ask("migrate-control", self.job, "stop")
                return
            time.sleep(0.005)

    def settled(self):
        objects = ask_json("migrate-status", "--json", self.job)[1]["objects"]
        return objects["total"] - objects["planned"]

    def paused(self, word):
        """A pause that is there when a run begins, and is taken back while it waits."""
        if not self.memory:
            status = ask("migrate-control", self.job, "pause")[0]
            hold = Hold(self.scene, self.memory)
            hold.same("S", "migrate-control without a journal: status", status, 2)
            self.judge(hold, word)
            return
        if not self.is_left_out(word):
            ask("migrate-control", self.job, "pause")
            self.run(word, self.resume)

    def resume(self, process):
        """Once it waits, or was refused."""
        deadline = time.monotonic() + TIMEOUT
        while process.poll() is None and time.monotonic() < deadline:
            if "paused" in ask("migrate-status", self.job)[1]:
                break
            time.sleep(0.005)
        ask("migrate-control", self.job, "resume")
