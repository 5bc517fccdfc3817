# SPDX-License-Identifier: MIT
"""Ends of a world that can be written to, and the application beside a job, which changes rows."""

import os
import sqlite3

from ends import PosixStore, PostgresDatabase, S3Store
from model import Version

S3_END = (
    "{{plugin: s3, endpoint: '{endpoint}', bucket: {bucket}, access_key: AKIDTESTTESTTESTTEST,"
    " secret_key: '${{S3D_SECRET_KEY}}', copy_max: 500KiB, request_timeout: {timeout}}}"
)


class PosixPlace(PosixStore):
    """A folder that can be written to; all that was written is as old as the key says."""

    kind = "posix"

    def __init__(self, folder, root, fsync=None):
        super().__init__({"root": root}, folder)
        self.name, self.fsync = root, fsync
        os.makedirs(self.root, exist_ok=True)

    def put(self, key, data, second):
        path = self.path(key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + b".new", "wb") as f:
            f.write(data)
        os.utime(path + b".new", ns=(0, second * 10**9 + 123_456_789))
        os.rename(path + b".new", path)

    def remove(self, key):
        os.unlink(self.path(key))

    def version(self, key):
        found = self.object(key)
        return Version(found.size, found.digest)

    def end(self):
        fsync = f", fsync: {self.fsync}" if self.fsync else ""
        return f"{{plugin: posix, root: {self.name}{fsync}}}"


class S3Place(S3Store):
    """A bucket that can be written to."""

    kind = "s3"

    def __init__(self, folder, root, server, dated):
        super().__init__({"endpoint": server.url, "bucket": f"{root}-of-world", "root": root}, folder)
        self.s3.ok(self.client.call("PUT", self.bucket))
        self.endpoint, self.dated, self.timeout = server.url, dated, "2s"

    def put(self, key, data, second):
        headers = {"Content-Type": "image/png"}
        if self.dated:
            headers["x-amz-meta-mtime"] = str(second)
        self.s3.ok(self.client.put(self.bucket, key, data, headers=headers))

    def remove(self, key):
        self.client.call("DELETE", self.bucket, key)

    def version(self, key):
        found = self.object(key)
        return Version(found.size, found.digest)

    def end(self):
        return S3_END.format(endpoint=self.endpoint, bucket=self.bucket, timeout=self.timeout)


class PatientPostgres(PostgresDatabase):
    """Asked through one client that stays: a sequence asks often."""

    def run(self, statements):
        rows = [line.split(b"\t") for line in self.client.ask(statements)]
        return [[None if b == b"NULL" else bytes.fromhex(b.decode("ascii")) for b in row] for row in rows]

    def columns(self):
        if not hasattr(self, "known_columns"):
            self.known_columns = super().columns()
        return self.known_columns


class Application:
    """Whose rows they are: SQLite in a file, or a server's. None of what it does counts as an update of ours."""

    def __init__(self, path, server=None):
        self.path, self.server = path, server

    def execute(self, statements):
        if self.server:
            self.server.run("BEGIN; SET LOCAL session_replication_role = replica;" + statements + "COMMIT;")
            return
        connection = sqlite3.connect(self.path, timeout=20)
        last = 0
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchone():
            last = connection.execute("SELECT coalesce(max(rowid), 0) FROM audit").fetchone()[0]
        connection.executescript(f"BEGIN; {statements} DELETE FROM audit WHERE rowid > {last}; COMMIT;")
        connection.close()

    def audit_of(self, table):
        """Each update is counted, whoever makes it."""
        if not self.server:
            return (
                f"CREATE TRIGGER audit_{table} AFTER UPDATE ON {table} BEGIN"
                f" INSERT INTO audit VALUES ('{table}', new.id); END;"
            )
        return (
            f"CREATE OR REPLACE FUNCTION audit_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" INSERT INTO audit VALUES ('{table}', new.id); RETURN new; END $$;"
            f" CREATE TRIGGER audit_{table} AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION"
            f" audit_{table}();"
        )
