# SPDX-License-Identifier: MIT
"""What each object and row of a world may be: written from the manuals, without the program.

A Thing is an object of the source with all contents it ever had there. A Row is what the
application holds: it names keys, and knows what its value is before and after. Where
a disaster leaves open what becomes of a thing (it vanished while its copy was on the way),
Thing.loose holds the further classes that are right.
"""

import random

from ends import digest_of_bytes


def content(size, seed):
    """Bytes that are the same for the same seed."""
    rng = random.Random(seed)
    some = rng.randbytes(min(size, 65_521))
    return (some * (size // max(1, len(some)) + 1))[:size]


class Version:
    """What an object holds."""

    def __init__(self, size, digest):
        self.size, self.digest = size, digest

    @staticmethod
    def of(data):
        return Version(len(data), digest_of_bytes(data))

    def __eq__(self, other):
        return other is not None and (self.size, self.digest) == (other.size, other.digest)

    def __hash__(self):
        return hash((self.size, self.digest))

    def __repr__(self):
        return f"{self.size} bytes, {self.digest[:8]}"


class Thing:
    """An object of the source: its contents over time, and what was at its new key before."""

    def __init__(self, key, number):
        self.key, self.number = key, number
        self.new_key = b"avatar/" + key[6:] if key.startswith(b"image/") else key
        self.versions, self.now = [], None
        self.prior = None
        self.loose = set()
        self.torn = False  # a power loss took what was at the destination
        self.awaited = False  # it is what it is since before the pass began: the pass finds it
        self.was_settled = False  # some run called it copied or same, and its rows may follow
        self.may_lie_there = False  # a copy that no journal knows of

    def add_version(self, version):
        self.versions.append(version)
        self.now = version
        self.awaited = False

    def classes(self):
        """The classes that are right by now; what is not settled yet is always right before the end."""
        right = set(self.loose)
        if self.prior is None:
            right.add("done" if self.versions else "gone")
        elif self.prior in self.versions:
            right.add("same")
            if self.prior != self.now:
                right.add("conflict")
        else:
            right.add("conflict")
        return right

    def final_classes(self):
        """The same when all is done; "none": no run ever heard of it."""
        if self.now is None:
            return self.classes() | {"none"}
        right = set(self.loose)
        if self.prior is None:
            right.add("done")
        else:
            right.add("same" if self.prior == self.now else "conflict")
        return right

    def wholes(self):
        """What may stand at the new key."""
        return set(self.versions) | ({self.prior} if self.prior else set())


class Row:
    """A row: the keys it names between bytes that mean nothing, or one value alone."""

    def __init__(self, database, number, keys, text=False):
        self.database, self.number, self.keys, self.text = database, number, keys, text
        self.refused = False  # the database refuses to change it
        self.word = b"<p>%d" % number
        self.settle()

    def settle(self):
        """The application's own value, of the keys that it names."""
        self.app_value = self.render(lambda key: key)

    def render(self, choose):
        """The value with choose(key) in each place."""
        values = [None if k is None else self.database.old.encode(choose(k)) for k in self.keys]
        if not self.text:
            return values[0]
        return self.word + b"".join(b' <img src="' + v + b'">' for v in values) + b"</p>"

    def read(self, value, new_key):
        """{key: is new} of what stands there, or None: not what it may be. new_key(key) or None."""
        if not self.text:
            key = self.keys[0]
            if value == self.app_value:
                return {} if key is None else {key: False}
            new = None if key is None else new_key(key)
            return {key: True} if new and value == self.database.new.encode(new) else None
        found = {}
        for part, key in zip(value.split(b'"')[1::2], self.keys):
            new = new_key(key)
            if part == self.database.old.encode(key):
                found.setdefault(key, False)
            elif new and part == self.database.new.encode(new):
                found[key] = True
            else:
                return None
        whole = self.render(lambda k: new_key(k) if found.get(k) else k)
        return found if len(found) == len(set(self.keys)) and whole == value else None


class Model:
    def __init__(self, from_rows):
        self.from_rows = from_rows
        self.things = {}  # by key
        self.by_new_key = {}
        self.others = {}  # somebody else's, at the destination
        self.timeless = False  # a copy does not bear the time of its source
        self.missing_slack = 0
        self.missing = []  # keys that rows name and the source never had
        self.databases = []
        self.rows = {}  # by (table, number)
        self.deleted = set()
        self.expected = {}  # outcomes of intents that the application crossed: {(chunk, n): state}
        self.uncounted = 0  # updates that such intents made and that count as conflicts
        self.lost_uploads = set()  # keys of those whose id may be known to nobody
        self.faults = set()  # what may fail now: "objects", "rows"

    def add_thing(self, thing):
        self.things[thing.key] = thing
        self.by_new_key[thing.new_key] = thing
        return thing

    def await_all(self):
        """No pass is under way: the next one finds everything, unless rows tell it of what there is."""
        for thing in self.things.values():
            thing.awaited = not self.from_rows

    def add_row(self, row):
        self.rows[row.database.table, row.number] = row

    def new_key(self, key):
        thing = self.things.get(key)
        return thing.new_key if thing else None

    def lose(self, key, version, records):
        """The power failed; version is what it left at the destination, None: nothing."""
        thing = self.by_new_key.get(key)
        if thing is None:
            self.others.pop(key, None)
            if version:
                self.others[key] = version
        elif thing.prior is not None:
            thing.prior = version
            # an object that failed is left alone, whatever becomes of what was in its way
            if any(r.name == "conflict" for r in records.get(thing.key, [])):
                thing.loose.add("conflict")
        else:
            thing.torn = True
            # what tells our copy from somebody's is its time, unless the journal knows of it
            if self.timeless and not any(r.is_there for r in records.get(thing.key, [])):
                thing.loose.add("conflict")

    def rows_naming(self, key):
        return [r for r in self.rows.values() if key in r.keys]

    def is_part(self, thing):
        """Is the job about it? With keys from rows: once a row of values names it."""
        return not self.from_rows or any(not r.text for r in self.rows_naming(thing.key))

    def refused(self, is_done):
        """Rows that the database will not change, of objects that are done."""
        return [r for r in self.rows.values() if r.refused and is_done(r.keys[0])]
