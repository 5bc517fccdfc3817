# SPDX-License-Identifier: MIT
"""The world of a story: a job with its ends, and the picture that the model has of them.

posix     files to files, rows in SQLite
s3        a bucket to a bucket (or within one), rows in SQLite
postgres  files to files, rows in PostgreSQL
"""

import os
import random
import shutil

from ends import SqliteDatabase
from places import Application, PatientPostgres, PosixPlace, S3Place
from settings import Settings

KINDS = ("posix", "s3", "postgres")
NAMES = [b"image/a", b"image/a2", b"image/b", b"image/b2", b"image/c", b"image/d/e", b"image/f.tmp", b"image/h",
         b"image/x-h", b"image/h2", b"other/o", b"other/p", b"image/k", b"image/m.png"]


class Object:
    """What stands under a key; stamp: another one whenever somebody wrote it, as an etag is."""

    def __init__(self, data, stamp):
        self.data, self.stamp = data, stamp


class Row:
    """A row of the application; a refused one may not hold what does not begin with image/."""

    def __init__(self, value, refused=False):
        self.value, self.refused = value, refused

    def refuses(self, value):
        return self.refused and not value.startswith(b"image/")


class Picture:
    """What is at the source, at the destination (the same where they are one place), and in the rows."""

    def __init__(self, one_place):
        self.source = {}
        self.destination = self.source if one_place else {}
        self.rows = {}  # by (table, id)
        self.clock = 0

    def stamp(self):
        self.clock += 1
        return self.clock


class Scene:
    def __init__(self, kind, seed, folder, servers):
        self.kind, self.folder, self.servers = kind, folder, servers
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        rng = random.Random(f"model:{kind}:{seed}")
        self.settings = Settings(rng, kind)
        self.picture = Picture(self.settings.one_place)
        self.make_ends()
        self.make_objects(rng)
        self.make_tables(rng)
        self.settings.write(self)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_ends(self):
        if self.kind == "s3":
            self.servers.s3.reset()
            make = lambda name: S3Place(self.folder, name, self.servers.s3, True)
        else:
            make = lambda name: PosixPlace(self.folder, name, "files")
        self.source = make("src")
        self.destination = self.source if self.settings.one_place else make("dst")

    # ---- Objects --------------------------------------------------------------------

    def stamp_of(self, data):
        """S3 knows a version by its content, a file system by more than that."""
        return data if self.kind == "s3" else self.picture.stamp()

    def put(self, where, key, data):
        """As somebody else: where is source or destination."""
        place, known = getattr(self, where), getattr(self.picture, where)
        place.put(key, data, 1_600_000_000 + self.picture.stamp())
        known[key] = Object(data, self.stamp_of(data))

    def remove(self, where, key):
        getattr(self, where).remove(key)
        del getattr(self.picture, where)[key]

    def make_objects(self, rng):
        settings = self.settings
        names = rng.sample(NAMES, rng.randint(2, 8))
        for key in names:
            self.put("source", key, b"%s of the source" % key)
        if settings.keys_from == "csv":
            settings.pairs = {k: b"avatar/" + k.replace(b"/", b"-") for k in NAMES if rng.random() < 0.8}
        elif settings.keys_from == "file":
            settings.pairs = {k: None for k in NAMES if rng.random() < 0.8}
        for key in names:
            new = settings.rename(key)
            if new is None or settings.one_place or new == key or rng.random() > 0.25:
                continue
            same = rng.random() < 0.5
            self.put("destination", new, self.picture.source[key].data if same else b"somebody's own")

    # ---- Rows -----------------------------------------------------------------------

    def make_tables(self, rng):
        self.databases = {}
        for name, column, pattern in self.settings.tables:
            about = {"table": name, "column": column, "identity": "id", "value": pattern}
            if self.kind == "postgres":
                about = {**about, "kind": "postgres", "client": self.servers.postgres}
                self.databases[name] = PatientPostgres(about, self.folder)
            else:
                about = {**about, "kind": "sqlite", "path": "app.db"}
                self.databases[name] = SqliteDatabase(about, self.folder)
        first = next(iter(self.databases.values()))
        self.application = Application(self.path("app.db"), first if self.kind == "postgres" else None)
        self.application.execute(self.schema())
        self.last_number, rows = 0, []
        for name, _, _ in self.settings.tables:
            for key in NAMES + [b"image/none"]:
                for _ in range(rng.choice([0, 1, 1, 2])):
                    refused = name == "t" and key.startswith(b"image/") and rng.random() < 0.06
                    rows.append((name, self.settings.value(name, key), refused))
        self.add_rows(rows)

    def schema(self):
        text = "varchar(900)" if self.kind == "postgres" else "TEXT"
        lines = ["SET client_min_messages = warning; DROP TABLE IF EXISTS t, u, audit;"] if self.kind == "postgres" else []
        lines.append("CREATE TABLE audit (tbl TEXT, id INTEGER);")
        for name, column, _ in self.settings.tables:
            check = f", CHECK (note <> 'refused' OR {column} LIKE 'image/%')"
            lines.append(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {column} {text}, note TEXT{check});")
            if self.settings.index:
                lines.append(f"CREATE INDEX {name}_{column} ON {name} ({column});")
            lines.append(self.application.audit_of(name))
        return "\n".join(lines)

    def add_rows(self, rows):
        """Of (table, value, is refused); no number is ever given twice."""
        statements = []
        for table, value, refused in rows:
            self.last_number += 1
            note = "refused" if refused else ""
            statements.append(f"INSERT INTO {table} VALUES ({self.last_number}, {literal(value)}, '{note}');")
            self.picture.rows[table, self.last_number] = Row(value, refused)
        self.application.execute("\n".join(statements))

    def set_row(self, table, number, value):
        column = next(c for t, c, _ in self.settings.tables if t == table)
        self.application.execute(f"UPDATE {table} SET {column} = {literal(value)} WHERE id = {number};")
        self.picture.rows[table, number].value = value

    def delete_row(self, table, number):
        self.application.execute(f"DELETE FROM {table} WHERE id = {number};")
        del self.picture.rows[table, number]

    def database_section(self, table, column, pattern):
        if self.kind == "postgres":
            place = 'plugin: postgres, connection: "${DATABASE_URI}"'
        else:
            place = "plugin: sqlite, path: app.db"
        more = "" if pattern == "{key}" else f', value: "{pattern}"'
        return f"  - {{{place}, table: {table}, column: {column}{more}}}"

    # ---- As it is -------------------------------------------------------------------

    def objects_now(self, place):
        """{key: bytes} of one end, without what a killed run may have left."""
        keys = [k for k in place.keys() if b".migrate-" not in k]
        return {key: self.read(place, key) for key in keys}

    @staticmethod
    def read(place, key):
        if place.kind == "s3":
            return place.s3.ok(place.client.get(place.bucket, key)).body
        with open(place.path(key), "rb") as f:
            return f.read()

    def rows_now(self):
        return {(name, int(i)): v for name, database in self.databases.items() for i, v in database.values()}


def literal(value):
    """Values here are ASCII without quotes."""
    return "NULL" if value is None else "'" + value.decode("ascii") + "'"
