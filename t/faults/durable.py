# SPDX-License-Identifier: MIT
"""What a power loss may still take: killat's history says what was published and synced, and in which order.

A file may be damaged when no sync that succeeded began after the file had its name: syncfs of
its file system, or fsync of the file. Its name may go when neither syncfs nor fsync of its
folder did. What the program holds for durable is of no interest here.
"""

import os
import random
import urllib.parse

PUBLISHING = ("link", "linkat", "rename", "renameat", "renameat2")


class Disk:
    """Of the files below one folder, across all runs of a sequence."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.files = {}  # path: [ended, content is safe, name is safe, inode]
        self.synced = set()  # inodes whose content was synced, before they had a name perhaps

    def begin(self):
        """A run begins: what is there was published before, also by a call that a kill cut off."""
        for folder, _, names in os.walk(os.fsencode(self.root)):
            for name in names:
                path = os.path.join(folder, name)
                self.files.setdefault(path, [0, False, False, os.lstat(path).st_ino])
        for entry in self.files.values():
            entry[0] = 0
        self.synced.clear()

    def read(self, path):
        """The history of one run; its clock is its own."""
        try:
            with open(path, encoding="ascii") as f:
                lines = [line.split() for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return
        os.rename(path, path + ".read")
        for began, ended, call, result, inode, *name in lines:
            name = os.fsencode(urllib.parse.unquote_to_bytes(name[0])) if name else b""
            self.event(int(began), int(ended), call, int(result), int(inode), name)

    def event(self, began, ended, call, result, inode, name):
        if result < 0:
            return
        if call in PUBLISHING:
            self.files[os.path.normpath(name)] = [ended, inode in self.synced, False, inode]
        elif call == "syncfs":
            for entry in self.files.values():
                if entry[0] < began:
                    entry[1] = entry[2] = True
        elif call in ("fsync", "fdatasync"):
            self.synced.add(inode)
            for path, entry in self.files.items():
                if entry[0] < began:
                    entry[1] |= entry[3] == inode
                    entry[2] |= os.path.dirname(path) == os.path.normpath(name)

    def risk(self, path):
        """"": none; "name": it may be gone; "all": and may have lost its bytes."""
        _, content, name, _ = self.files.get(path, [0, False, False, 0])
        return "all" if not content else "" if name else "name"

    def lose_power(self, seed, keep=0.35):
        """Damage what may be damaged; yields (path, what was done)."""
        rng = random.Random(seed)
        for folder, _, names in sorted(os.walk(os.fsencode(self.root))):
            for name in sorted(names):
                path = os.path.join(folder, name)
                risk, draw = self.risk(path), rng.random()
                if b"/.migrate-" in path or not risk or draw < keep:
                    continue
                how = rng.choice(["remove", "empty", "half", "zeros"]) if risk == "all" else "remove"
                done = damage(path, how)
                if done:
                    yield path, done
        self.settle()

    def settle(self):
        """All that is there now is on the disk."""
        for folder, _, names in os.walk(os.fsencode(self.root)):
            for name in names:
                self.files[os.path.join(folder, name)] = [0, True, True, 0]


def damage(path, how):
    """As a disk leaves it: its times are those of the file that was written."""
    info = os.stat(path)
    size = info.st_size
    if how == "remove":
        os.unlink(path)
        return how
    left = {"empty": 0, "half": size // 2 // 4096 * 4096, "zeros": size}[how]
    with open(path, "r+b") as f:
        before = f.read()
        if how == "zeros" and not before.strip(b"\0") or left == size and how != "zeros":
            return ""
        f.truncate(0 if how == "zeros" else left)
        f.truncate(left)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    return how
