# SPDX-License-Identifier: MIT
"""A job as migrate-job(5) describes it: drawn, written as a file, and asked what it makes of a key."""

import fnmatch
import re
from urllib.parse import quote

URL = "https://cdn.example.com/{key:url}"

# Kinds of rules: (as YAML, what they are). A pattern takes the place of what it finds, a prefix of itself.
RULES = {
    "prefix": [("prefix", "image/", "avatar/")],
    "two": [("prefix", "image/a", "first/a"), ("prefix", "image/", "avatar/")],
    "match": [("match", r"^image/(.*)$", r"avatar/\1")],
    "chain": [("match", r"^image/(.*)$", r"image/x-\1")],
    "short": [("match", r"^image/([a-z])[^/]*$", r"avatar/\1")],
    "none": [],
}


def plain(rule):
    kind, what, to = rule
    return f"{{{kind}: '{what}', to: '{to.replace(chr(92), '$')}'}}"


class Settings:
    """What stands in the job file. What a word of a story changes has a setter in Words of edits.py."""

    SELECTION = ("prefix", "include", "exclude", "on_conflict", "verify")

    def __init__(self, rng, kind):
        self.kind = kind
        self.one_place = rng.random() < 0.2
        self.keys_from = rng.choices(["source", "file", "csv", "database"], [7, 1, 1, 2])[0]
        rules = ["prefix", "prefix", "prefix", "two", "match", "short"]
        rules += ["chain"] if self.one_place else ["chain", "none"]
        self.rules_name = "none" if self.keys_from == "csv" else rng.choice(rules)
        self.unmatched = rng.choice(["fail", "keep", "skip"])
        self.on_conflict = rng.choice(["fail", "fail", "skip", "overwrite"])
        self.keep = rng.choices(["all", "failures"], [6, 1])[0]
        self.prefix = rng.choice(["", "image/"])
        self.include, self.exclude = [], rng.choice([[], [], ["*.tmp"], ["image/b*"]])
        self.verify = "native"
        self.batch = rng.choice([1, 2, 3, 5, 100])
        self.concurrency = rng.choice([1, 1, 2])
        self.index = rng.random() < 0.5
        self.tables = [("t", "path", "{key}"), ("u", "url", URL)][: rng.choice([1, 2])]
        self.pairs = {}  # with keys_from csv: {old: new}; with file: {key: None}

    @property
    def rules(self):
        return RULES[self.rules_name]

    def selection(self):
        """What may change with --accept-change only."""
        return tuple(str(getattr(self, name)) for name in self.SELECTION)

    def mapping(self):
        """What never changes, of what words of a story change."""
        return self.keep

    # ---- Its meaning ----------------------------------------------------------------

    def is_selected(self, key):
        """SELECTION OF KEYS."""
        text = key.decode()
        if not text.startswith(self.prefix):
            return False
        if any(fnmatch.fnmatchcase(text, p) for p in self.exclude):
            return False
        return not self.include or any(fnmatch.fnmatchcase(text, p) for p in self.include)

    def is_excluded(self, key):
        return key.decode().startswith(self.prefix) and any(fnmatch.fnmatchcase(key.decode(), p) for p in self.exclude)

    def rename(self, key):
        """The new key; None: no rule matches, and the job does not keep such keys."""
        if self.keys_from == "csv":
            return self.pairs.get(key)
        text = key.decode()
        for kind, what, to in self.rules:
            if kind == "prefix" and text.startswith(what):
                return (to + text[len(what) :]).encode()
            if kind == "match" and re.search(what, text):
                return re.sub(what, to, text, count=1).encode()
        return key if self.unmatched == "keep" or not self.rules else None

    def passes_over(self, key):
        """No part of the job: the selection, or unmatched: skip."""
        skips = self.unmatched == "skip" and self.keys_from != "csv"
        return not self.is_selected(key) or (skips and self.rename(key) is None)

    def never_meet(self):
        """Prefix rules and keys.prefix show by themselves that no new key is another key's, old or new."""
        if self.keys_from == "csv" or self.one_place:
            return False
        renames_all = self.prefix == "image/" or self.unmatched != "keep"
        return self.rules_name == "none" or (renames_all and self.rules_name == "prefix")

    def value(self, table, key):
        """How a key stands in the column of a table."""
        pattern = next(p for name, _, p in self.tables if name == table)
        return key if pattern == "{key}" else pattern.replace("{key:url}", quote(key, safe="/-._~")).encode()

    def key_in(self, table, value):
        """The way back; None: it is no value of that form."""
        if value is None:
            return None
        pattern = next(p for name, _, p in self.tables if name == table)
        head = pattern.partition("{")[0].encode()
        return value[len(head) :] if value.startswith(head) and value != head else None

    # ---- As a file ------------------------------------------------------------------

    def write(self, scene):
        keys = [f"from: {'file' if self.keys_from == 'csv' else self.keys_from}"]
        if self.keys_from in ("file", "csv"):
            keys.append("file: keys.txt, format: " + ("csv" if self.keys_from == "csv" else "lines"))
            lines = [k if n is None else k + b"," + n for k, n in sorted(self.pairs.items())]
            with open(scene.path("keys.txt"), "wb") as f:
                f.write(b"".join(line + b"\n" for line in lines))
        keys += [f"prefix: {self.prefix}"] if self.prefix else []
        for name in ("include", "exclude"):
            if getattr(self, name):
                keys.append(f"{name}: [{', '.join(repr(p) for p in getattr(self, name))}]")
        lines = [
            "job: world",
            f"source: {scene.source.end()}",
            f"destination: {scene.destination.end()}",
            f"keys: {{{', '.join(keys)}}}",
        ]
        if self.rules:
            lines += [f"rename: [{', '.join(plain(r) for r in self.rules)}]", f"unmatched: {self.unmatched}"]
        lines += ["databases:"] + [scene.database_section(*table) for table in self.tables]
        lines += [
            f"copy: {{concurrency: {self.concurrency}, on_conflict: {self.on_conflict}, verify: {self.verify}}}",
            f"batch: {self.batch}",
            "attempts: 2",
            "patience: 1s",
            f"journal: {{path: world.journal, allow_volatile: true, keep: {self.keep}}}",
        ]
        with open(scene.path("job.yml"), "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
