# SPDX-License-Identifier: MIT
"""What others do between two runs: to the source, to copies, to rows, to the job file."""

from scene import NAMES

PATTERNS = [[], ["*.tmp"], ["image/b*"], ["image/a*", "other/*"], ["image/k"]]
INCLUDES = [[], ["image/*"], ["image/[a-h]*", "other/o"]]


class Edits:
    """Each says what it did, or None: there is nothing of that kind."""

    def __init__(self, scene, memory):
        self.scene, self.picture, self.settings = scene, scene.picture, scene.settings
        self.memory = memory

    def make(self, word):
        argument = word.argument
        return getattr(self, word.name)(int(argument) if argument.isdigit() else argument)

    def pick(self, n, things):
        things = sorted(things)
        return things[n % len(things)] if things else None

    # ---- The source -----------------------------------------------------------------

    def objects(self):
        """Of the source; in one place, but for copies of ours."""
        return [k for k in self.picture.source if k in NAMES]

    def write(self, key, data, what):
        self.scene.put("source", key, data)
        return f"{key} {what}"

    def add(self, n):
        key = self.pick(n, [k for k in NAMES if k not in self.picture.source])
        return key and self.write(key, b"new object %d" % n, "is new in the source")

    def modify(self, n):
        key = self.pick(n, self.objects())
        return key and self.write(key, b"modified %d" % n, "changed in the source")

    def touch(self, n):
        key = self.pick(n, self.objects())
        return key and self.write(key, self.picture.source[key].data, "was touched in the source")

    def remove(self, n):
        key = self.pick(n, self.objects())
        if key is None:
            return None
        self.scene.remove("source", key)
        return f"{key} was removed from the source"

    def restore(self, n):
        """What the job knows and the source lost is there again."""
        records = self.memory.records if self.memory else {}
        key = self.pick(n, [k for k in records if k not in self.picture.source])
        return key and self.write(key, b"restored %d" % n, "is back in the source")

    # ---- The destination ------------------------------------------------------------

    def copies(self):
        return [k for k in self.picture.destination if not self.settings.one_place or k not in NAMES]

    def copywrite(self, n):
        key = self.pick(n, self.copies())
        if key is None:
            return None
        self.scene.put("destination", key, b"somebody wrote %d" % n)
        return f"{key} was written at the destination"

    def copyremove(self, n):
        key = self.pick(n, self.copies())
        if key is None:
            return None
        self.scene.remove("destination", key)
        return f"{key} was removed from the destination"

    def copyequal(self, n):
        """Somebody makes a copy himself."""
        key = self.pick(n, [k for k in self.objects() if self.settings.rename(k) not in (None, k)])
        if key is None or self.settings.one_place:
            return None
        new = self.settings.rename(key)
        self.scene.put("destination", new, self.picture.source[key].data)
        return f"{new} was made by somebody, equal to {key}"

    # ---- Rows -----------------------------------------------------------------------

    def table(self, n):
        return self.settings.tables[n % len(self.settings.tables)][0]

    def rowadd(self, n):
        key, table = NAMES[n % len(NAMES)], self.table(n)
        self.scene.add_rows([(table, self.settings.value(table, key), False)])
        return f"{table} {self.scene.last_number} is new and names {key}"

    def set(self, where, value, what):
        self.scene.set_row(*where, value)
        return f"{where[0]} {where[1]} {what}"

    def rows(self):
        """Those that may change."""
        return [w for w, row in self.picture.rows.items() if not row.refused]

    def rowmove(self, n):
        where = self.pick(n, self.rows())
        # with keys from rows any value would be a key
        null = n % 2 or self.settings.keys_from == "database"
        return where and self.set(where, None if null else b"elsewhere/%d" % n, "names nothing any more")

    def changed_rows(self):
        rows = self.memory.rows if self.memory else {}
        return [w for w, o in rows.items() if o.what == "changed" and w in self.picture.rows]

    def rowback(self, n):
        where = self.pick(n, self.changed_rows())
        return where and self.set(where, self.memory.rows[where].old, "holds its old value again")

    def rowto(self, n):
        """The application points a row to the new key of another object."""
        where = self.pick(n, self.rows())
        new = self.pick(n * 7, self.memory.new_keys()) if self.memory else None
        if where is None or new is None:
            return None
        return self.set(where, self.settings.value(where[0], new), f"names {new}")

    def rowdelete(self, n):
        where = self.pick(n, self.rows())
        if where is None:
            return None
        self.scene.delete_row(*where)
        return f"{where[0]} {where[1]} was deleted"

    # ---- The job file ---------------------------------------------------------------

    def rewrite(self, name, value):
        setattr(self.settings, name, value)
        self.settings.write(self.scene)
        return f"the job says {name}: {value}"

    def policy(self, how):
        return self.rewrite("on_conflict", how)

    def keep(self, how):
        return self.rewrite("keep", how)

    def exclude(self, n):
        return self.rewrite("exclude", PATTERNS[n % len(PATTERNS)])

    def include(self, n):
        return self.rewrite("include", INCLUDES[n % len(INCLUDES)])
