# SPDX-License-Identifier: MIT
"""Plays one story: runs as users make them, what others do between them, and what must hold after each."""

import os
import random

import edits
from foretold import Foretold
from hold import Hold, any_key
from lines import Violation, unknown
from pages import REFUSED, UNFIT, Run, State
from said import DryRun, ask
from scene import Scene
from strikes import Strikes
from words import EDITS, JOB, Word


class Story(Strikes):
    def __init__(self, kind, seed, words, folder, servers, say=None):
        self.words, self.folder, self.servers = words, folder, servers
        self.say = say or (lambda text: None)
        self.scene = Scene(kind, seed, os.path.join(folder, "w"), servers)
        self.out = os.path.join(folder, "out")
        os.makedirs(self.out, exist_ok=True)
        self.memory = None
        self.seed, self.thorough = seed, False
        self.said, self.text = [], ""

    @property
    def job(self):
        return self.scene.path("job.yml")

    def state(self):
        return State(self.scene.picture, self.scene.settings, self.memory)

    # ---- A run ----------------------------------------------------------------------

    def run(self, word, meanwhile=lambda process: None):
        if self.is_left_out(word):
            self.say(f"{word}: left out")
            return
        run = Run(self.state(), **word.for_model())
        status = self.spawn(["migrate-run", "--progress=none", *word.options(), self.job], meanwhile)
        self.say(f"{word}: status {status}")
        self.adopt(run)
        hold = Hold(self.scene, self.memory)
        hold.same("S", f"{word}: status", status, run.status)
        hold.world()
        if run.status not in (REFUSED, UNFIT) and not hold.problems:
            self.copied = run.copied
            hold.last_lines(self.text, run.copied)
            self.look(hold, word)
        self.judge(hold, word)

    def is_left_out(self, word):
        """It leads where no page says enough."""
        memory, settings = self.memory, self.scene.settings
        if "first" in word.flags and settings.keep == "failures":
            # no page says which rules show by themselves that keys never meet, nor what is refused first
            if memory or settings.rules_name == "two" or settings.keys_from != "source":
                return True
        # whether a failure that is looked at again is one of the N, no page says either
        return "first" in word.flags and memory and memory.count("failed") and settings.keys_from != "source"

    def adopt(self, run):
        """What the model says is what is known from now on."""
        self.memory = run.state.memory
        self.scene.picture, self.scene.settings = run.state.picture, run.state.settings

    def look(self, hold, word=""):
        """What programs say of it: all of it at the end of a story, else some, to be cheap."""
        rng = random.Random(f"{self.seed} {word} {len(self.memory.records)}")
        some = lambda: self.thorough or rng.random() < 0.4
        told = hold.status()
        if some():
            hold.status_text(told)
        if some():
            hold.failed()
        if some():
            hold.explain(any_key(rng, self.memory))
        if some():
            hold.verify(self.state(), some())

    def judge(self, hold, word):
        problems = unknown(hold.problems)
        if problems:
            raise Violation(problems + [f"after {word}"] + self.said)

    def dry(self, word):
        """Nothing is written, and what is foretold is what the model says of a run."""
        run = Run(self.state())
        journal = self.memory and ask("migrate-status", "--json", self.job)
        status, out, err = ask("migrate-run", "--dry-run", self.job)
        self.say(f"{word}: status {status}")
        self.said = [f"  | {line}" for line in (out + err).splitlines()[-20:]]
        hold = Hold(self.scene, self.memory)
        hold.world()
        if journal:
            hold.same("D", "the journal", ask("migrate-status", "--json", self.job), journal)
        elif os.path.exists(self.scene.path("world.journal")):
            hold.say("D", "a journal was written")
        Foretold(hold, run).hold(status, DryRun(out))
        self.judge(hold, word)

    # ---- The whole ------------------------------------------------------------------

    def play_word(self, word):
        if word.name in EDITS + JOB:
            done = edits.Edits(self.scene, self.memory).make(word)
            self.say(f"{word}: {done}")
        elif word.strike and self.is_left_out(word):
            self.say(f"{word}: left out")
        elif word.strike:
            self.strike(word)
        else:
            getattr(self, word.name)(word)

    def play(self):
        with open(self.job, encoding="ascii") as f:
            self.say(f.read())
        for word in self.words:
            self.play_word(word)
        self.come_to_an_end()

    def come_to_an_end(self):
        """Two more runs: the first does what is left, the second nothing."""
        self.thorough = True
        self.run(Word("run:accept"))
        if self.memory.keeps_all:
            self.run(Word("run:accept"))
