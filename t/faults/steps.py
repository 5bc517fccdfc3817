# SPDX-License-Identifier: MIT
"""The steps of a sequence as words, so that a sequence is a line that can be typed again.

Runs, each with at most one disaster in it:
  run, copy (--only=copy), first:N, retry (--retry-failed)
  kill@CALLS:N, killafter@CALLS:N, torn@CALLS:N    at the Nth of these calls (killat): before, behind, halfway
  term@CALLS:N, int@..., hup@..., term@CALLS:N+M   a signal before it, a second one M calls later
  kill@Nms, term@Nms                               by the clock: not to be repeated exactly
  fail@CALLS:N[+]:ERRNO                            the Nth fails, with + all from there on
  twin@CALLS:N                                     a second run of the job is started there
CALLS is a class or a call of killat, and behind a slash where: /dst, /journal, /db.

For the run that follows:
  slow:N           limits.requests            rows:N        limits.rows
  s3:RULE          a rule of s3d's script, with commas for blanks
  commit:HOW       dbproxy does that to a COMMIT: before, after, late,S

Between runs:
  power:SEED       the power fails: what was not synced is lost, in part
  modify:N, rewrite:N, remove:N, add:N, rowadd:N, rowmove:N, rowname:N, rowdelete:N, restore:N
                   the source or a row is changed by somebody else; N picks which
"""

import re
import signal
import threading

RUNS = ("run", "copy", "first", "retry")
STRIKES = ("kill", "killafter", "torn", "term", "int", "hup", "fail", "twin")
ARMING = ("slow", "rows", "s3", "commit")
CHANGES = ("modify", "rewrite", "remove", "add", "rowadd", "rowmove", "rowname", "rowdelete", "restore")
WHERE = {"dst": "*/dst*", "journal": "*/world.journal*", "db": "*/app.db*"}
FORM = re.compile(
    r"(?P<name>[a-z0-9]+)"
    r"(@(?P<calls>[a-z0-9,_]+)(/(?P<where>dst|journal|db))?:(?P<at>\d+)(?P<more>\+(?P<again>\d*))?"
    r"(:(?P<error>E[A-Z0-9]+))?|@(?P<ms>\d+)ms|:(?P<argument>\S+))?"
)


class Step:
    def __init__(self, word):
        found = FORM.fullmatch(word)
        if not found or found["name"] not in RUNS + STRIKES + ARMING + CHANGES + ("power",):
            raise ValueError(f"no step of a sequence: {word!r}")
        self.word, self.name = word, found["name"]
        self.argument, self.calls, self.where = found["argument"], found["calls"], found["where"]
        self.at = int(found["at"] or 0)
        self.again = int(found["again"] or 0)
        self.forever = bool(found["more"]) and self.name == "fail"
        self.error, self.ms = found["error"], int(found["ms"] or 0)
        if self.name in STRIKES and not (self.calls or self.ms):
            raise ValueError(f"{word!r}: where?")

    @property
    def is_run(self):
        return self.name in RUNS + STRIKES

    @property
    def is_kill(self):
        return self.name in ("kill", "killafter", "torn")

    @property
    def is_signal(self):
        return self.name in ("term", "int", "hup")

    def options_of_run(self):
        """For migrate-run."""
        if self.name == "copy":
            return ["--only=copy"]
        if self.name == "first":
            return ["--first", self.argument]
        return ["--retry-failed"] if self.name == "retry" else []

    def options_of_killat(self, twin):
        """For killat; by the clock it only looks on."""
        if not self.calls:
            return ["--count"]
        options = ["--at", str(self.at), "--only", self.calls]
        if self.where:
            options += ["--path", WHERE[self.where]]
        if self.name == "killafter":
            options.append("--after")
        elif self.name == "torn":
            options.append("--torn")
        elif self.is_signal:
            options += ["--signal", self.name.upper()]
            options += ["--again", str(self.again)] if self.again else []
        elif self.name == "fail":
            options += ["--fail", self.error] + (["--forever"] if self.forever else [])
        elif self.name == "twin":
            options += ["--go", "--run", twin]
        return options

    def __str__(self):
        return self.word


def strike_later(step, process):
    """By the clock: killat goes, and those that it traces with it; or hands the signal on."""
    if not step.ms:
        return
    sig = signal.SIGKILL if step.is_kill else signal.SIGTERM
    timer = threading.Timer(step.ms / 1000, lambda: process.poll() is None and process.send_signal(sig))
    timer.daemon = True
    timer.start()


def parse(text):
    """('KIND', seed, [Step]) of 'KIND:SEED STEP...'."""
    first, *words = text.split()
    kind, _, seed = first.partition(":")
    return kind, int(seed), [Step(w) for w in words]
