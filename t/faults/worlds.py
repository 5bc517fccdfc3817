# SPDX-License-Identifier: MIT
"""Worlds for sequences: small, made of a kind and a seed, and told to the model as they are made.

posix    files to files, rows in SQLite
same     the same, where most copies were there before ("rsync first, then migrate")
rows     the same, with keys from rows, some of which name nothing
texts    the same, with a table of texts beside the rows
up       files to a bucket of s3d, some in parts
down     a bucket to files, some in parts
servers  a bucket to a bucket, rows in PostgreSQL
stragglers  as up, with requests that may stall for long: by hand only, half a minute each
"""

import os
import random
import shutil
import time

from ends import SqliteDatabase
from model import Model, Row, Thing, Version, content
from places import Application, PatientPostgres, PosixPlace, S3Place

KINDS = ("posix", "same", "rows", "texts", "up", "down", "servers", "stragglers")
S3_KINDS = {"up": (False, True), "down": (True, False), "servers": (True, True), "stragglers": (False, True)}
MIB = 1 << 20
SIZES = [0, 1, 17, 4095, 4096, 5000, 20_000]
URL = "https://cdn.example.com/{key:url}"

JOB = """\
job: world
source: {source}
destination: {destination}
{keys}rename: [{{prefix: image/, to: avatar/}}]
unmatched: keep
databases:
{databases}copy: {{concurrency: {concurrency}, part_size: 5MiB, verify: {verify}}}
batch: {batch}
attempts: 2
patience: 1s
timeout: {timeout}
journal: {{path: world.journal, allow_volatile: true}}
"""


class World:
    """The ends, the job and the model of what may become of them."""

    def __init__(self, kind, seed, folder, servers):
        self.kind, self.seed, self.folder, self.servers = kind, seed, folder, servers
        self.rng = random.Random(f"{kind}:{seed}")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.from_rows = kind == "rows"
        self.model = Model(self.from_rows)
        self.make_ends()
        self.model.timeless = self.source.kind == "s3" and not self.source.dated
        self.make_things()
        self.make_tables()
        self.write_job()

    def path(self, name):
        return os.path.join(self.folder, name)

    # ---- Objects --------------------------------------------------------------------

    def make_ends(self):
        from_s3, to_s3 = S3_KINDS.get(self.kind, (False, False))
        if from_s3 or to_s3:
            self.servers.s3.reset()
        self.synced = self.rng.random() < 2.0  # what the destination holds before the first run
        dated = self.rng.random() < 0.5
        fsync = self.rng.choice(["syncfs", "syncfs", "files"])
        if from_s3:
            self.source = S3Place(self.folder, "src", self.servers.s3, dated)
        else:
            self.source = PosixPlace(self.folder, "src")
        if to_s3:
            self.destination = S3Place(self.folder, "dst", self.servers.s3, dated)
            self.destination.timeout = "120s" if self.kind == "stragglers" else "2s"
        else:
            self.destination = PosixPlace(self.folder, "dst", fsync)

    def sizes(self, count):
        sizes = [self.rng.choice(SIZES) for _ in range(count)]
        if self.kind in S3_KINDS:
            for size in (5 * MIB + 1, 10 * MIB + 5)[: self.rng.choice([1, 2])]:
                sizes[self.rng.randrange(count)] = size
        return sizes

    def keys(self, count):
        keys = [b"image/%s/%03d.png" % (b"abc"[i % 3 : i % 3 + 1], i) for i in range(count)]
        if self.from_rows or self.rng.random() < 0.5:
            self.prefix = True
        else:
            self.prefix = False
            keys += [b"other/kept-%d" % i for i in range(3)]
        return keys

    def make_things(self):
        count = self.rng.choice([30, 40, 60] if self.kind in S3_KINDS else [40, 60, 100, 150])
        keys = self.keys(count)
        same = 0.8 if self.kind == "same" else self.rng.choice([0, 0.1, 0.1])
        for number, (key, size) in enumerate(zip(keys, self.sizes(len(keys)))):
            thing = self.model.add_thing(Thing(key, number))
            self.write_version(thing, size)
            # an equal copy that a job which keeps the key would find is no conflict of ours
            if thing.new_key != key and size < MIB:
                self.make_prior(thing, size, self.rng.random(), same)
        self.destination.put(b"keep/before.txt", b"somebody's own\n", 1_500_000_000)
        if self.destination.kind == "s3":
            time.sleep(1.1)  # its clock has whole seconds: what was there before is older than a run
        self.model.others = {b"keep/before.txt": self.destination.version(b"keep/before.txt")}
        for number in range(3):
            self.model.missing.append(b"image/never-was-%d.png" % number)

    def write_version(self, thing, size):
        """What the source holds from now on."""
        data = content(size, f"{self.kind}:{self.seed}:{thing.number}:{len(thing.versions)}")
        self.source.put(thing.key, data, 1_600_000_000 + thing.number * 100 + len(thing.versions))
        thing.add_version(Version.of(data))

    def make_prior(self, thing, size, chance, same):
        """What the destination holds before the first run."""
        if chance < same:
            data = content(size, f"{self.kind}:{self.seed}:{thing.number}:0")
        elif chance < same + 0.05:
            data = content(size + 1, f"prior:{thing.number}")
        else:
            return
        self.destination.put(thing.new_key, data, 1_600_000_000 + thing.number * 100)
        thing.prior = Version.of(data)

    # ---- Rows -----------------------------------------------------------------------

    def make_tables(self):
        self.index = self.rng.random() < 0.7
        tables = [("avatars", "path", "{key}", {"service": "amazon"}), ("links", "url", URL, {})]
        if self.kind == "texts":
            tables.append(("posts", "body", URL, {}))
        if self.kind == "servers":
            kind = {"kind": "postgres", "client": self.servers.postgres}
        else:
            kind = {"kind": "sqlite", "path": "app.db"}
        for name, column, value, more in tables:
            about = {**kind, "table": name, "column": column, "identity": "id", "value": value}
            adapter = PatientPostgres if self.kind == "servers" else SqliteDatabase
            database = adapter({**about, "set": more}, self.folder)
            database.holds_texts = name == "posts"
            self.model.databases.append(database)
        server = self.model.databases[0] if self.kind == "servers" else None
        self.application = Application(self.path("app.db"), server)
        self.execute(self.schema())
        for database in self.model.databases:
            self.fill(database)

    def schema(self):
        path = "varchar(3000)" if self.kind == "servers" else "TEXT"
        lines = [
            "DROP TABLE IF EXISTS avatars, links, audit;" if self.kind == "servers" else "",
            f"CREATE TABLE avatars (id INTEGER PRIMARY KEY, path {path}, service TEXT, note TEXT,"
            " CHECK (note <> 'refused' OR path LIKE 'image/%'));",
            "CREATE INDEX avatars_path ON avatars (path);",
            "CREATE TABLE links (id INTEGER PRIMARY KEY, url TEXT);",
            "CREATE INDEX links_url ON links (url);" if self.index else "",
            "CREATE TABLE audit (tbl TEXT, id INTEGER);",
        ]
        if self.kind == "texts":
            lines.append("CREATE TABLE posts (id INTEGER PRIMARY KEY, body TEXT);")
        return "\n".join(lines + [self.application.audit_of(d.table) for d in self.model.databases])

    def execute(self, statements):
        self.application.execute(statements)

    def fill(self, database):
        """0 to 3 rows for each object, several for one, and some that name nothing."""
        keys = [t.key for t in self.model.things.values()]
        named = [k for k in keys for _ in range(self.rng.choice([0, 1, 1, 2]))] + keys[:1] * 5
        if self.from_rows and database.table == "avatars":
            named += keys
        if database.table == "posts":
            self.fill_texts(database, keys)
            return
        named += self.model.missing * 2 + [None]
        self.rng.shuffle(named)
        rows = [Row(database, n, [k]) for n, k in enumerate(named, 1)]
        for row in rows:
            row.refused = database.table == "avatars" and row.keys[0] in keys and self.rng.random() < 0.08
            row.refused = row.refused and row.keys[0].startswith(b"image/")
        self.insert(rows)

    def fill_texts(self, database, keys):
        rows = []
        for number in range(1, 31):
            some = [self.rng.choice(keys) for _ in range(self.rng.choice([0, 1, 2, 5]))]
            rows.append(Row(database, number, some, text=True))
        self.insert(rows)

    def insert(self, rows):
        """All at once; the model knows them from now on."""
        statements = []
        for row in rows:
            value = self.literal(row.app_value)
            if row.database.table == "avatars":
                note = "'refused'" if row.refused else "'note'"
                statements.append(f"INSERT INTO avatars VALUES ({row.number}, {value}, 'local', {note});")
            else:
                statements.append(f"INSERT INTO {row.database.table} VALUES ({row.number}, {value});")
            self.model.add_row(row)
        self.execute("\n".join(statements))

    @staticmethod
    def literal(value):
        """Keys here are ASCII without quotes."""
        return "NULL" if value is None else "'" + value.decode("ascii") + "'"

    # ---- The job --------------------------------------------------------------------

    def database_section(self, database):
        if self.kind == "servers":
            place = 'plugin: postgres, connection: "${DATABASE_URI}"'
        else:
            place = "plugin: sqlite, path: app.db"
        more = f', value: "{URL}"' if database.base["value"] == URL else ""
        if database.set:
            more += ", set: {service: amazon}"
        if database.holds_texts:
            more += ", match: contains"
        return f"  - {{{place}, table: {database.table}, column: {database.column}{more}}}\n"

    def write_job(self):
        keys = ""
        if self.from_rows:
            keys = "keys: {from: database}\n"
        elif self.prefix:
            keys = "keys: {prefix: image/}\n"
        self.concurrency = self.rng.choice([1, 2, 4])
        self.batch = self.rng.choice([5, 8, 13, 20])
        text = JOB.format(
            source=self.source.end(),
            destination=self.destination.end(),
            keys=keys,
            databases="".join(self.database_section(d) for d in self.model.databases),
            concurrency=self.concurrency,
            verify=self.rng.choice(["native", "native", "hash"]),
            batch=self.batch,
            timeout="120s" if self.kind == "stragglers" else "10s",
        )
        with open(self.path("job.yml"), "w", encoding="ascii") as f:
            f.write(text)
