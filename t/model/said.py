# SPDX-License-Identifier: MIT
"""What the programs say, read as a user reads it."""

import json
import os
import re
import subprocess

TIMEOUT = 90
NUMBERS = re.compile(r"(\d+) ([a-z]+)")


def ask(*command):
    """(status, standard output, standard error)."""
    answer = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
    return answer.returncode, os.fsdecode(answer.stdout), os.fsdecode(answer.stderr)


def ask_json(*command):
    status, out, err = ask(*command)
    try:
        return status, json.loads(out)
    except ValueError:
        raise RuntimeError(f"{' '.join(command)}: {status}: no JSON: {out[:200]} {err[:400]}") from None


def key_of(shown):
    """A key in JSON."""
    return None if shown is None else shown.encode()


class LastLines:
    """The last lines of migrate-run: {name: n} of each kind."""

    def __init__(self, text):
        self.copied, self.objects, self.rows, self.orphaned = None, {}, {}, 0
        for line in text.splitlines():
            self.read(line)

    def read(self, line):
        head, _, tail = line.partition(": ")
        if re.fullmatch(r"pass \d+", head):
            found = re.match(r"copied ([\d,]+) objects?", tail)
            self.copied = int(found[1].replace(",", "")) if found else 0
        elif head == "all together":
            total, _, classes = tail.partition(" objects: ")
            self.objects = {name: int(n) for n, name in NUMBERS.findall(classes)}
            self.objects["total"] = int(total)
        elif head == "rows":
            self.rows = {name: int(n) for n, name in NUMBERS.findall(tail)}
        elif head == "orphaned":
            self.orphaned = int(tail.split()[0])


class StatusText:
    """migrate-status, for people."""

    def __init__(self, text):
        self.objects, self.rows, self.failures = {}, {}, {}
        for line in text.splitlines():
            name, _, rest = line.strip().partition(" ")
            if name in ("objects", "rows", "failures"):
                total, equals, classes = rest.partition("=")
                words = (classes if equals else rest).replace("+", " ").replace("to do", "planned").split()
                found = {w: int(n) for w, n in zip(words[::2], words[1::2])}
                if equals:
                    found["total"] = int(total)
                setattr(self, name, found)


class DryRun:
    """What a dry run foretells: {what: n}."""

    def __init__(self, text):
        self.numbers = {}
        for line in text.splitlines():
            found = re.fullmatch(r"(\S.*?)\s{2,}(\d+)", line)
            if found:
                self.numbers[found[1]] = int(found[2])

    def __getitem__(self, name):
        return self.numbers.get(name, 0)
