# SPDX-License-Identifier: MIT
"""Sequences by chance: the same for the same seed."""

import random

from worlds import KINDS, S3_KINDS

# How often a kind of world is taken, out of the sum.
WEIGHTS = {"posix": 5, "same": 3, "rows": 3, "texts": 2, "up": 3, "down": 2, "servers": 3,
           "stragglers": 0}
# Calls, with the number of them in a run of such a world, about.
FILES = [("link,rename/dst", 60), ("sync/dst", 4), ("write/journal", 200), ("sync/journal", 40),
         ("write/db", 150), ("sync/db", 30), ("unlink/db", 15), ("open/dst", 60), ("mkdir/dst", 4)]
NETWORK = [("send", 160), ("send", 60), ("write/journal", 200), ("sync/journal", 40)]
FAILING = [("sync/dst", 3, "EIO"), ("sync/dst", 3, "EIO"), ("link/dst", 40, "ENOSPC"), ("open/dst", 30, "EIO"),
           ("sync/journal", 20, "EIO"), ("write/journal", 100, "EIO"), ("write/journal", 60, "ENOSPC"),
           ("write/db", 40, "EIO"), ("sync/db", 10, "EIO"), ("copy/dst", 20, "EIO")]
LOST = ["PutObject,*,{n},reset-committed", "PutObject,*,1@,reset-committed", "PutObject,*,{n},reset-before",
        "UploadPart,*,{m},reset-committed", "CompleteMultipartUpload,*,*,reset-committed",
        "CompleteMultipartUpload,*,1,reset-committed", "CreateMultipartUpload,*,1,reset-committed",
        "CopyObject,*,{n},reset-committed", "UploadPartCopy,*,{m},reset-committed",
        "PutObject,*,{n},status-committed,500,InternalError", "GetObject,*,{n},reset-before",
        "PutObject,*,{n},status,503,SlowDown", "HeadObject,*,{n},reset-before",
        "ListObjectsV2,*,1,reset-before", "UploadPart,*,{m},status,500,InternalError"]
CHANGES = ["modify", "modify", "rewrite", "remove", "add", "rowadd", "rowmove", "rowname", "rowdelete", "restore"]


class Chance:
    """One sequence: a world, and two to five disasters."""

    def __init__(self, seed, number, kinds=None):
        self.rng = random.Random(f"{seed}/{number}")
        kinds = kinds or [k for k in KINDS if WEIGHTS[k]]
        self.kind = self.rng.choices(kinds, [WEIGHTS[k] or 1 for k in kinds])[0]
        self.seed = self.rng.randrange(10_000)
        from_s3, to_s3 = S3_KINDS.get(self.kind, (False, False))
        self.to_s3, self.network = to_s3, from_s3 or to_s3

    def early(self, most):
        """1 to most, the small ones more often: what is left of a job is less each time."""
        return 1 + int(most * self.rng.random() ** 1.5)

    def calls(self):
        choices = NETWORK if self.network and self.rng.random() < 0.6 else FILES
        if self.network:
            choices = [c for c in choices if "/db" not in c[0] or self.kind != "servers"]
            choices = [c for c in choices if "/dst" not in c[0] or not self.to_s3]
        calls, most = self.rng.choice(choices)
        if most > 60 and self.rng.random() < 0.5:
            most //= 4
        return calls, self.early(most)

    def word(self, name, calls, more=""):
        calls, at = calls
        return f"{name}@{calls}:{at}{more}"

    def strike(self):
        """A run with a disaster in it."""
        draw = self.rng.random()
        if draw < 0.40:
            return self.word(self.rng.choice(["kill", "kill", "killafter", "torn"]), self.calls())
        if draw < 0.65:
            again = f"+{self.early(30)}" if self.rng.random() < 0.2 else ""
            name = self.rng.choice(["term", "term", "term", "int", "hup"])
            return self.word(name, self.calls(), again)
        if draw < 0.85:
            return self.failure()
        if draw < 0.90:
            return self.word("twin", self.calls())
        return self.rng.choice(["run", "copy", f"first:{self.early(40)}", "run"])

    def failure(self):
        choices = [c for c in FAILING if "/dst" not in c[0] or not self.to_s3]
        choices = [c for c in choices if "/db" not in c[0] or self.kind != "servers"]
        calls, most, error = self.rng.choice(choices)
        forever = "+" if self.rng.random() < 0.5 else ""
        return f"fail@{calls}:{self.early(most)}{forever}:{error}"

    def arming(self):
        """What the next run finds."""
        words = []
        if self.network and self.rng.random() < 0.5:
            rule = self.rng.choice(LOST)
            words.append("s3:" + rule.format(n=self.early(30), m=self.early(4)))
        if self.kind == "servers" and self.rng.random() < 0.4:
            words.append("commit:" + self.rng.choice(["after", "before", "late,0.2"]))
        if self.rng.random() < 0.10:
            words.append(f"slow:{self.rng.choice([20, 40])}")
        return words

    def between(self):
        """What happens before the next run."""
        words = []
        if not self.to_s3 and self.rng.random() < 0.6:
            words.append(f"power:{self.rng.randrange(1000)}")
        while self.rng.random() < 0.3:
            words.append(f"{self.rng.choice(CHANGES)}:{self.rng.randrange(1000)}")
        return words

    def patient(self):
        """A second and more of one open batch after the other, twice: it was journalled by then, and not as durable."""
        words = ["slow:20", f"kill@{self.rng.randrange(1500, 2600)}ms"]
        if self.rng.random() < 0.7:
            words.append(f"power:{self.rng.randrange(1000)}")
        return words + ["slow:20", f"term@{self.rng.randrange(1400, 2400)}ms"]

    def halfway(self):
        """Killed when some parts of an object are at the destination, which then changes in the source."""
        upload = "UploadPartCopy" if self.kind == "servers" else "UploadPart"
        words = [f"s3:{upload},avatar*,{self.rng.choice([2, 2, 3])}+,stall,9"]
        words.append(f"kill@{self.rng.randrange(1000, 2500)}ms")
        if self.rng.random() < 0.7:
            words += [f"rewrite:{n}" for n in range(2)]
        return words

    def sequence(self):
        words = [f"{self.kind}:{self.seed}"]
        if self.kind == "stragglers":
            words += [f"s3:UploadPart,*,{self.early(2)}+,stall,300", f"kill@{self.rng.randrange(31_500, 36_000)}ms"]
        disasters = self.rng.randint(2, 5)
        if not self.network and self.rng.random() < (0.5 if self.kind == "same" else 0.2):
            words += self.patient()
            disasters = 1
        if self.to_s3 and self.rng.random() < 0.35:
            words += self.halfway()
            disasters = self.rng.randint(1, 2)
        for _ in range(disasters):
            words += self.arming() + [self.strike()] + self.between()
        return " ".join(words)
