# SPDX-License-Identifier: MIT
"""The words of a story, which is a line that can be typed again: 'KIND:SEED WORD...'.

Runs:
  run, run:FLAG,FLAG...    first=N, copy (--only=copy), rows, retry, retry=CLASS, accept (--accept-change),
                           anew (--new-journal), remake
  dry                      what it says is held against the run that follows
  paused:FLAGS             a run that finds a pause, and goes on when it is taken back
  stopped:N, and the strikes of t/faults/steps.py (kill@..., term@..., fail@...)
                           a run that does not come to its end, and one that does

The job file:
  policy:HOW               on_conflict
  exclude:N, include:N     one of some patterns, or none; keep:HOW

Others, while no run goes on; N picks what:
  add:N, modify:N, touch:N, remove:N, restore:N      an object of the source
  copywrite:N, copyremove:N, copyequal:N             what stands at the destination
  rowadd:N, rowmove:N, rowback:N, rowto:N, rowdelete:N   a row: new, names nothing, is as it was, names another
                                                     new key, is gone
"""

from steps import STRIKES, Step

RUNS = ("run", "paused", "dry", "stopped")
FLAGS = ("first", "copy", "rows", "retry", "accept", "anew", "remake")
JOB = ("policy", "exclude", "include", "keep")
EDITS = ("add", "modify", "touch", "remove", "restore", "copywrite", "copyremove", "copyequal",
         "rowadd", "rowmove", "rowback", "rowto", "rowdelete")


class Word:
    def __init__(self, text):
        self.text = text
        self.name, _, self.argument = text.partition(":")
        self.strike = Step(text) if "@" in text else None
        if self.strike:
            self.name = self.strike.name
        elif self.name not in RUNS + JOB + EDITS or (self.name in EDITS and not self.argument.isdigit()):
            raise ValueError(f"no word of a story: {text!r}")
        self.flags = {}
        if self.name in ("run", "paused") and not self.strike:
            self.read_flags()
        if self.strike and self.name not in STRIKES:
            raise ValueError(f"no word of a story: {text!r}")

    def read_flags(self):
        for flag in filter(None, self.argument.split(",")):
            name, _, value = flag.partition("=")
            if name not in FLAGS or (name == "first" and not value.isdigit()):
                raise ValueError(f"no flag of a run: {flag!r}")
            self.flags[name] = value

    def options(self):
        """For migrate-run."""
        names = {"copy": "--only=copy", "rows": "--only=rows", "accept": "--accept-change", "anew": "--new-journal",
                 "remake": "--remake"}
        options = [names[f] for f in self.flags if f in names]
        if "first" in self.flags:
            options += ["--first", self.flags["first"]]
        if "retry" in self.flags:
            options.append("--retry-failed" + ("=" + self.flags["retry"] if self.flags["retry"] else ""))
        return options

    def for_model(self):
        """The same, for Run of pages.py."""
        flags = self.flags
        only = "copy" if "copy" in flags else "rows" if "rows" in flags else "all"
        return {"first": int(flags["first"]) if "first" in flags else None, "only": only,
                "retry": flags.get("retry"), "accept": "accept" in flags, "anew": "anew" in flags,
                "remake": "remake" in flags}

    def __str__(self):
        return self.text


def parse(text):
    """('KIND', seed, [Word])."""
    first, *words = text.split()
    kind, _, seed = first.partition(":")
    return kind, int(seed), [Word(w) for w in words]
