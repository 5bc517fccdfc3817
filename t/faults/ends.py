# SPDX-License-Identifier: MIT
"""Stores and databases as the oracle sees them, without a line of libmigrate.

A store adapter offers: objects() -> {key: Object}, object(key), keys(), has(key), folders(),
others(), uploads(). What stands in one store and not in another is of no kind of attribute:
COMPARED says what a copy must have of its original. A database adapter offers: dump(), values(), updates(). To add one, write the
class and name it in STORES or DATABASES. Keys are bytes everywhere; in JSON they
stand as text with surrogate escapes (os.fsdecode), which loses nothing.
"""

import hashlib
import importlib
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import urllib.parse

BLOCK = 4096
PART = 5 << 20


class Object:
    """One object: what it holds and what travels with it."""

    def __init__(self, size, digest, mode, mtime, owner, xattrs):
        self.size, self.digest, self.mode = size, digest, mode
        self.mtime, self.owner, self.xattrs = mtime, owner, xattrs

    def to_json(self):
        return {**self.__dict__, "owner": list(self.owner)}

    @staticmethod
    def from_json(data):
        return Object(**{**data, "owner": tuple(data["owner"])})

    def differences(self, other, names=None):
        """What differs from another object, of these names; None: all."""
        names = names or ["size", "digest", "mode", "mtime", "xattrs", "owner"]
        if os.geteuid() != 0:
            names = [n for n in names if n != "owner"]
        return [
            f"{n}: {getattr(self, n)} became {getattr(other, n)}"
            for n in names
            if getattr(self, n) != getattr(other, n)
        ]


def digest_of(descriptor, size):
    """A digest of content and size that skips holes: equal for equal bytes, cheap when sparse."""
    digest = hashlib.sha256(str(size).encode())
    at = 0
    while at < size:
        try:
            at = os.lseek(descriptor, at, os.SEEK_DATA)
            end = os.lseek(descriptor, at, os.SEEK_HOLE)
        except OSError:
            break  # a hole to the end
        at -= at % BLOCK
        while at < end:
            block = os.pread(descriptor, BLOCK, at)
            if not block:
                break
            if block.strip(b"\0"):
                digest.update(b"%d:" % at + block)
            at += BLOCK
    return digest.hexdigest()


def digest_of_bytes(data):
    """The same for bytes in memory."""
    digest = hashlib.sha256(str(len(data)).encode())
    for at in range(0, len(data), BLOCK):
        block = data[at : at + BLOCK]
        if block.strip(b"\0"):
            digest.update(b"%d:" % at + block)
    return digest.hexdigest()


class PosixStore:
    """A folder. Only regular files are objects; the rest is in others()."""

    def __init__(self, description, base):
        self.root = os.fsencode(os.path.join(base, description["root"]))

    def path(self, key):
        return os.path.join(self.root, key)

    def has(self, key):
        try:
            return stat.S_ISREG(os.lstat(self.path(key)).st_mode)
        except (OSError, ValueError):
            return False

    def object(self, key):
        descriptor = os.open(self.path(key), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            info = os.fstat(descriptor)
            names = [n for n in os.listxattr(descriptor) if n.startswith("user.")]
            xattrs = {n: os.getxattr(descriptor, n).hex() for n in sorted(names)}
            return Object(
                info.st_size,
                digest_of(descriptor, info.st_size),
                stat.S_IMODE(info.st_mode),
                info.st_mtime_ns,
                (info.st_uid, info.st_gid),
                xattrs,
            )
        finally:
            os.close(descriptor)

    def _walk(self):
        """All below the root: (key, stat). Iterative: depth must not be a limit."""
        todo = [b""]
        while todo:
            folder = todo.pop()
            with os.scandir(self.path(folder) if folder else self.root) as entries:
                found = sorted(entries, key=lambda e: e.name)
            for entry in found:
                key = folder + b"/" + entry.name if folder else entry.name
                info = entry.stat(follow_symlinks=False)
                yield key, info
                if stat.S_ISDIR(info.st_mode):
                    todo.append(key)

    def objects(self):
        return {k: self.object(k) for k, info in self._walk() if stat.S_ISREG(info.st_mode)}

    def keys(self):
        return {k for k, info in self._walk() if stat.S_ISREG(info.st_mode)}

    def folders(self):
        return {k for k, info in self._walk() if stat.S_ISDIR(info.st_mode)}

    def others(self):
        """What is neither file nor folder: {key: kind}."""
        return {
            k: stat.S_IFMT(info.st_mode)
            for k, info in self._walk()
            if not stat.S_ISREG(info.st_mode) and not stat.S_ISDIR(info.st_mode)
        }


    def uploads(self):
        return []


def s3_module():
    """The client of S3 that tests have."""
    sys.dont_write_bytecode = True
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../servers"))
    return importlib.import_module("s3client")


class S3Store:
    """A bucket. Files' times, modes and owners are where migrate-s3(7) says they are."""

    def __init__(self, description, base):
        self.s3 = s3_module()
        self.client = self.s3.Client(description["endpoint"])
        self.bucket = description["bucket"]
        self.stock = PosixStore(description, base)  # what fill() puts in

    def has(self, key):
        return self.client.head(self.bucket, key).status == 200

    def object(self, key):
        answer = self.s3.ok(self.client.get(self.bucket, key))
        meta = {k: v for k, v in answer.headers.items() if k.startswith("x-amz-meta-")}
        mode = int(meta.pop("x-amz-meta-migrate-mode", "0"), 8)
        owner = tuple(int(n) for n in meta.pop("x-amz-meta-migrate-owner", "0:0").split(":"))
        second, _, fraction = meta.pop("x-amz-meta-mtime", "0").partition(".")
        mtime = int(second) * 10**9 + int(fraction.ljust(9, "0"))
        meta["content-type"] = answer["content-type"]
        size = len(answer.body)
        return Object(size, digest_of_bytes(answer.body), mode, mtime, owner, meta)

    def keys(self):
        return set(self.client.list(self.bucket)[0])

    def objects(self):
        return {k: self.object(k) for k in self.keys()}

    def folders(self):
        return set()

    def others(self):
        return {}

    def uploads(self):
        query = {"uploads": "", "encoding-type": "url"}
        found = self.s3.ok(self.client.call("GET", self.bucket, query=query)).root()
        return [u.findtext("{*}Key") for u in found if u.tag.endswith("}Upload")]

    def fill(self):
        """A new bucket, with what the stock holds."""
        self.s3.ok(self.client.call("PUT", self.bucket))
        for key in sorted(self.stock.keys()):
            with open(self.stock.path(key), "rb") as f:
                body = f.read()
            kind = "image/png" if key.endswith(b".png") else "text/x-migrate"
            headers = {"Content-Type": kind, "x-amz-meta-size": str(len(body))}
            if len(body) > PART:
                self.fill_in_parts(key, body, headers)
            else:
                self.s3.ok(self.client.put(self.bucket, key, body, headers=headers))

    def fill_in_parts(self, key, body, headers):
        """So that its etag is no digest."""
        c, ends = self.client, range(0, len(body), PART)
        upload = c.start_upload(self.bucket, key, headers=headers)
        sent = [c.part(self.bucket, key, upload, i + 1, body[at : at + PART]) for i, at in enumerate(ends)]
        done = [(i + 1, self.s3.ok(a)["etag"].strip('"')) for i, a in enumerate(sent)]
        self.s3.ok(c.complete(self.bucket, key, upload, done))


class Pattern:
    """How a key stands in a column: '{key}' or 'https://host/{key:url}'."""

    SAFE = "/-._~"

    def __init__(self, text):
        found = re.fullmatch(r"(.*?)\{key(:url)?\}(.*)", text, re.S)
        if not found:
            raise ValueError(f"no key in pattern {text!r}")
        head, url, tail = found.groups()
        self.head = head.replace("{{", "{").encode()
        self.tail = tail.replace("{{", "{").encode()
        self.url = bool(url)

    def encode(self, key):
        if self.url:
            key = urllib.parse.quote_from_bytes(key, safe=self.SAFE).encode()
        return self.head + key + self.tail

    def decode(self, value):
        """The key, or None when the value is not of this form."""
        if len(value) < len(self.head) + len(self.tail):
            return None
        if not value.startswith(self.head) or not value.endswith(self.tail):
            return None
        key = value[len(self.head) : len(value) - len(self.tail)]
        if self.url:
            key = urllib.parse.unquote_to_bytes(key)
        return key if key and self.encode(key) == value else None


class SqliteDatabase:
    """A table of an SQLite file, with a trigger that counts updates in `audit`."""

    def __init__(self, description, base):
        self.base = description
        self.path = os.path.join(base, description["path"])
        self.table, self.column = description["table"], description["column"]
        self.identity = description["identity"]
        self.set = description.get("set", {})
        self.old = Pattern(description.get("value", "{key}"))
        self.new = Pattern(description.get("new_value", description.get("value", "{key}")))
        self.label = f"{self.table}.{self.column}"

    def connect(self, timeout=10.0):
        """Read-only; a log that a kill left behind is still seen through it."""
        name = urllib.parse.quote(self.path)
        connection = sqlite3.connect(f"file:{name}?mode=ro", uri=True, timeout=timeout)
        connection.text_factory = bytes
        return connection

    def recover(self):
        """Roll back what a killed writer left, as the next application would."""
        connection = sqlite3.connect(self.path)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.close()

    def values(self, connection=None):
        """All rows: (identity, bytes of the value or None)."""
        own = connection or self.connect()
        query = f'SELECT {self.identity}, CAST("{self.column}" AS BLOB) FROM "{self.table}"'
        try:
            return [(self.text(i), v) for i, v in own.execute(query)]
        finally:
            if connection is None:
                own.close()

    @staticmethod
    def text(identity):
        return os.fsdecode(identity) if isinstance(identity, bytes) else str(identity)

    def dump(self):
        """The whole table: {identity: {column: [type, bytes as text]}}."""
        connection = self.connect()
        try:
            columns = [
                os.fsdecode(r[1]) for r in connection.execute(f'PRAGMA table_info("{self.table}")')
            ]
            parts = ", ".join(f'typeof("{c}"), CAST("{c}" AS BLOB)' for c in columns)
            rows = connection.execute(f'SELECT {self.identity}, {parts} FROM "{self.table}"')
            return {
                self.text(row[0]): {
                    c: [os.fsdecode(row[1 + 2 * i]), self.show(row[2 + 2 * i])]
                    for i, c in enumerate(columns)
                }
                for row in rows
            }
        finally:
            connection.close()

    @staticmethod
    def show(value):
        return None if value is None else os.fsdecode(value)

    def updates(self):
        """How often each row was updated: {identity: n}, from the audit trigger."""
        connection = self.connect()
        try:
            rows = connection.execute(
                "SELECT id, count(*) FROM audit WHERE tbl = ? GROUP BY id", (self.table,)
            )
            return {self.text(i): n for i, n in rows}
        finally:
            connection.close()

    def is_sound(self):
        connection = self.connect()
        try:
            return connection.execute("PRAGMA integrity_check").fetchone()[0] == b"ok"
        finally:
            connection.close()


class ServerDatabase:
    """A table of a server, with a trigger that counts updates in `audit`.

    Asked through the server's own client, whose command the description holds: all
    that it answers is hexadecimal, so that no byte of it means anything to the client.
    """

    path = "\0"  # nothing in the world's folder belongs to it

    def __init__(self, description, _):
        self.base = description
        self.client = description["client"]
        self.table, self.column = description["table"], description["column"]
        self.identity = description["identity"]
        self.set = description.get("set", {})
        self.old = Pattern(description.get("value", "{key}"))
        self.new = Pattern(description.get("new_value", description.get("value", "{key}")))
        self.label = f"{self.table}.{self.column}"

    def run(self, statements):
        """What the last of them answers, as rows of bytes or None."""
        answer = subprocess.run(
            self.client, input=statements.encode(), capture_output=True, timeout=60, check=False
        )
        if answer.returncode != 0:
            raise RuntimeError(f"{self.client[0]}: {os.fsdecode(answer.stderr)}")
        rows = [line.split(b"\t") for line in answer.stdout.splitlines()]
        plain = lambda b: None if b == b"NULL" else bytes.fromhex(b.decode("ascii"))
        return [[plain(b) for b in row] for row in rows]

    def columns(self):
        name = self.hex("column_name", "text")
        kind = self.hex("data_type", "text")
        rows = self.run(
            f"SELECT {name}, {kind} FROM information_schema.columns WHERE table_schema ="
            f" {self.HERE} AND table_name = '{self.table}' ORDER BY ordinal_position;"
        )
        return [(n.decode(), t.decode()) for n, t in rows]

    def values(self):
        """All rows: (identity, bytes of the value or None)."""
        kind = dict(self.columns())[self.column]
        identity = self.hex(self.identity, "text")
        rows = self.run(f"SELECT {identity}, {self.hex(self.column, kind)} FROM {self.table};")
        return [(os.fsdecode(i), v) for i, v in rows]

    def dump(self):
        """The whole table: {identity: {column: [type, bytes as text]}}."""
        columns = self.columns()
        parts = ", ".join(self.hex(c, t) for c, t in columns)
        rows = self.run(f"SELECT {self.hex(self.identity, 'text')}, {parts} FROM {self.table};")
        show = lambda b: None if b is None else os.fsdecode(b)
        return {
            os.fsdecode(row[0]): {c: ["text", show(b)] for (c, _), b in zip(columns, row[1:])}
            for row in rows
        }

    def updates(self):
        """How often each row was updated: {identity: n}, from the audit trigger."""
        rows = self.run(
            f"SELECT {self.hex('id', 'text')}, {self.hex('count(*)', 'text')} FROM audit"
            f" WHERE tbl = '{self.table}' GROUP BY id;"
        )
        return {os.fsdecode(i): int(n) for i, n in rows}

    def recover(self):
        """Sessions of somebody who was killed end when the server sees it."""
        for _ in range(600):
            if self.run(f"SELECT {self.hex('count(*)', 'text')} FROM {self.OURS};") == [[b"0"]]:
                return
            time.sleep(0.05)
        raise RuntimeError("sessions of a killed run stay in the server")

    @staticmethod
    def is_sound():
        return True  # a server that is not says so

    def fill(self):
        """The table as it was when the world was made; the tables must be empty."""
        kinds = dict(self.columns())
        rows = [
            ", ".join(
                "NULL" if b is None else self.literal(os.fsencode(b), kinds[c])
                for c, (_, b) in row.items()
            )
            for row in self.base["before"].values()
        ]
        names = ", ".join(kinds)
        self.run(f"INSERT INTO {self.table} ({names}) VALUES ({'), ('.join(rows)});")


class MysqlDatabase(ServerDatabase):
    HERE = "DATABASE()"
    OURS = "information_schema.processlist WHERE user = 'test'"

    @staticmethod
    def hex(expression, _):
        return f"HEX(CAST({expression} AS BINARY))"

    @staticmethod
    def literal(value, kind):
        return f"{'_binary' if 'bin' in kind or 'blob' in kind else '_utf8mb4'} x'{value.hex()}'"


class PostgresDatabase(ServerDatabase):
    HERE = "current_schema()"
    OURS = "pg_stat_activity WHERE application_name LIKE 'migrate %'"

    @staticmethod
    def hex(expression, kind):
        if kind == "bytea":
            return f"encode({expression}, 'hex')"
        return f"encode(convert_to(({expression})::text, 'UTF8'), 'hex')"

    @staticmethod
    def literal(value, kind):
        raw = f"decode('{value.hex()}', 'hex')"
        return raw if kind == "bytea" else f"CAST(convert_from({raw}, 'UTF8') AS {kind})"


class SqliteCopy:
    """A private copy of an SQLite file and its log: reading leaves the original alone."""

    def __init__(self, path):
        self.folder = tempfile.mkdtemp(prefix="journal-")
        self.path = os.path.join(self.folder, "copy")
        for suffix in ("", "-wal"):
            if os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, self.path + suffix)

    def __enter__(self):
        self.connection = sqlite3.connect(self.path)
        self.connection.text_factory = bytes
        return self.connection

    def __exit__(self, *_):
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)


STORES = {"posix": PosixStore, "s3": S3Store}
COMPARED = {
    ("posix", "posix"): ["size", "digest", "mode", "mtime", "xattrs", "owner"],
    ("posix", "s3"): ["size", "digest", "mode", "mtime", "owner"],
    ("s3", "posix"): ["size", "digest"],
    ("s3", "s3"): ["size", "digest", "xattrs"],
}
DATABASES = {"sqlite": SqliteDatabase, "mysql": MysqlDatabase, "postgres": PostgresDatabase}


def open_store(description, base):
    return STORES[description["kind"]](description, base)


def open_database(description, base):
    return DATABASES[description["kind"]](description, base)
