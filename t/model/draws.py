# SPDX-License-Identifier: MIT
"""Stories by chance: the same for the same seed."""

import random

from scene import KINDS

FLAGS = ["", "", "", "first=1", "first=2", "first=3", "copy", "rows", "retry", "retry", "accept", "accept",
         "retry=conflict", "anew", "first=1,accept", "copy,first=2", "remake", "remake", "remake,copy", "remake,retry,accept"]
EDITS = {"add": 5, "modify": 5, "touch": 2, "remove": 3, "restore": 2, "copywrite": 2, "copyremove": 2, "copyequal": 1,
         "rowadd": 5, "rowmove": 2, "rowback": 2, "rowto": 2, "rowdelete": 2, "policy": 1, "exclude": 2, "include": 1}
# Calls of killat, about how many a run makes, and an error.
CALLS = [("link,rename/dst", 6, "ENOSPC"), ("sync/dst", 2, "EIO"), ("write/journal", 60, "ENOSPC"),
         ("sync/journal", 12, "EIO"), ("write/db", 20, "EIO"), ("sync/db", 6, None), ("open/dst", 6, "EIO")]


class Draw:
    def __init__(self, seed, number, kinds=None):
        self.rng = random.Random(f"story:{seed}/{number}")
        self.kind = self.rng.choice(kinds or KINDS[:1])
        self.seed = self.rng.randrange(100_000)

    def run(self):
        flags = self.rng.choice(FLAGS)
        return f"run:{flags}" if flags else "run"

    def early(self, most):
        return 1 + int(most * self.rng.random() ** 1.5)

    def strike(self):
        """A run that does not come to its end by itself."""
        draw = self.rng.random()
        if draw < 0.2:
            return f"stopped:{self.rng.randrange(4)}"
        if draw < 0.4:
            return "paused"
        calls, most, error = self.rng.choice(CALLS)
        if error and draw < 0.6:
            return f"fail@{calls}:{self.early(most)}:{error}"
        name = self.rng.choice(["kill", "kill", "killafter", "torn", "term"])
        return f"{name}@{calls}:{self.early(most)}"

    def edit(self):
        name = self.rng.choices(list(EDITS), EDITS.values())[0]
        if name == "policy":
            return f"policy:{self.rng.choice(['fail', 'skip', 'overwrite'])}"
        return f"{name}:{self.rng.randrange(1000)}"

    def story(self):
        words = [f"{self.kind}:{self.seed}"]
        for _ in range(self.rng.randint(2, 6)):
            while self.rng.random() < 0.45:
                words.append(self.edit())
            if self.rng.random() < 0.15:
                words.append("dry")
            words.append(self.strike() if self.rng.random() < 0.15 else self.run())
        while self.rng.random() < 0.3:
            words.append(self.edit())
        return " ".join(words)
