#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lies.py postgres|mysql|redis FOLDER HOST PORT [OPTION...]: small jobs against a peer that lies.

  --seed N       the first lie; the next ones follow (1)
  --count N      how many runs are lied to (20)
  --lies N       instead: until so many answers were lies
  --lie NAME     this lie of liard.py instead, from the first answer that it fits on; repeatable
  --jobs N       how many at a time (4)
  --memory MIB   what a run may take (400)
  --deadline S   after which a run hangs (100)
  --verbose      a line for each lie

Whatever the lie: the run ends by itself, with a documented status and a message, within the
memory; no row points to an object that is not there; none is counted as changed that was not;
and a run against the honest server finishes the job. A line is said for each that is not so, with
the command that repeats it. Rows are asked for with the clients psql (PGHOST and so on), mariadb
(MYSQL_SOCKET) and sqlite.
"""

import argparse
import collections
import json
import os
import queue
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import liard

N = 8  # objects, each with a row; two rows name others
VARIANTS = {"postgres": ["plain", "set", "part", "texts"], "mysql": ["plain", "set", "part", "texts"],
            "redis": ["plain"]}
DOCUMENTED = range(12)
MADE_UP = {"postgres": "postgresql://test:test-password@{}:{}/postgres",
           "mysql": "mysql://test:test-password@{}:{}/app", "redis": "redis://{}:{}"}


class Wrong(Exception):
    """What must not be."""


# ---- What rows hold ------------------------------------------------------------------------


def held(variant, key):
    return {"texts": f"see {key}, or not", "part": f"{key}|keep"}.get(variant, key)


def rows_of(prefix, variant):
    """id: value, with all objects at `prefix`."""
    rows = {i: held(variant, f"{prefix}/{i}") for i in range(1, N + 1)}
    rows.update({i: held(variant, f"other/{i}") for i in (N + 1, N + 2)})
    return rows


class Postgres:
    def run(self, text):
        return subprocess.run(["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-c", text],
                              check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}).stdout.decode()

    def make(self, table, variant):
        kind = "text[]" if variant == "part" else "text"
        self.run(f"CREATE TABLE {table} (id bigint PRIMARY KEY, path {kind}, note text)")
        if variant != "texts":
            self.run(f"CREATE INDEX ON {table} {'USING gin' if variant == 'part' else ''} (path)")

    def fill(self, table, variant):
        def value(v):
            return f"string_to_array('{v}', '|')" if variant == "part" else f"'{v}'"
        rows = ", ".join(f"({i}, {value(v)}, 'mine')" for i, v in rows_of("image", variant).items())
        self.run(f"DELETE FROM {table}; INSERT INTO {table} VALUES {rows}")

    def rows(self, table, variant):
        value = "array_to_string(path, '|')" if variant == "part" else "path"
        out = self.run(f"SELECT id, {value}, note FROM {table}")
        return {int(i): (v, note) for i, v, note in (line.split("\t") for line in out.splitlines())}


class Mysql(Postgres):
    def run(self, text):
        return subprocess.run(["mariadb", "--no-defaults", "-S", os.environ["MYSQL_SOCKET"], "-u", "root", "-N", "-B", "-r",
                               "app", "-e", text], check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE).stdout.decode()

    def make(self, table, variant):
        self.run(f"CREATE TABLE {table} (id bigint PRIMARY KEY, path varchar(200), note varchar(20)"
                 f"{'' if variant == 'texts' else ', KEY (path)'})")

    def fill(self, table, variant):
        def value(v):
            return "JSON_OBJECT('url', '{}', 'more', '{}')".format(*v.split("|")) if variant == "part" else f"'{v}'"
        rows = ", ".join(f"({i}, {value(v)}, 'mine')" for i, v in rows_of("image", variant).items())
        self.run(f"START TRANSACTION; DELETE FROM {table}; INSERT INTO {table} VALUES {rows}; COMMIT")

    def rows(self, table, variant):
        value = "CONCAT(JSON_VALUE(path, '$.url'), '|', JSON_VALUE(path, '$.more'))" if variant == "part" else "path"
        out = self.run(f"SELECT id, {value}, note FROM {table}")
        return {int(i): (v, note) for i, v, note in (line.split("\t") for line in out.splitlines())}


class Sqlite:
    """Rows that a cache stands beside; its keys speak of them."""

    def __init__(self, host, port):
        self.address = (host, port)

    def ask(self, commands):
        text = "".join(c + "\r\n" for c in commands) + "ECHO end-of-all\r\n"
        with socket.create_connection(self.address) as s:
            s.sendall(text.encode())
            data = b""
            while not data.endswith(b"end-of-all\r\n"):
                data += s.recv(65536)
        return data.decode()

    def make(self, table, _variant):
        with sqlite3.connect(f"{table}.db") as db:
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, path TEXT, note TEXT)")
            db.execute("CREATE INDEX i ON t (path)")

    def fill(self, table, variant):
        with sqlite3.connect(f"{table}.db") as db:
            db.execute("DELETE FROM t")
            db.executemany("INSERT INTO t VALUES (?, ?, 'mine')", rows_of("image", variant).items())
        self.ask(f"SET {table}:{kind}:{i} {value}" for i in range(1, N + 1)
                 for kind, value in (("page", "x"), ("url", f"image/{i}")))

    def rows(self, table, _variant):
        with sqlite3.connect(f"{table}.db") as db:
            return {i: (v, note) for i, v, note in db.execute("SELECT id, path, note FROM t")}

    def stale(self, table):
        """Keys that speak of rows as they were."""
        out = self.ask(f"GET {table}:{kind}:{i}" for i in range(1, N + 1) for kind in ("page", "url"))
        return out.count("\r\nx\r\n") + out[: 5].count("x\r\n") + out.count("image/")


def honest():
    """The environment of what hears no lie: other tests look for leaks there, which costs a fourth of a run."""
    return {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


# ---- A job ---------------------------------------------------------------------------------


class World:
    """A worker's own folder and tables; what it holds is made anew for each lie."""

    def __init__(self, number, options, database):
        self.options, self.database = options, database
        self.folder = os.path.join(options.folder, f"w{number}")
        self.number = number
        os.makedirs(os.path.join(self.folder, "src", "image"))
        for i in range(1, N + 1):
            with open(os.path.join(self.folder, "src", "image", str(i)), "w", encoding="ascii") as f:
                f.write(f"object {i}\n")
        for variant in VARIANTS[options.protocol]:
            database.make(self.table(variant), variant)

    def table(self, variant):
        name = f"w{self.number}_{variant}"
        return os.path.join(self.folder, name) if self.options.protocol == "redis" else name

    def reset(self, variant):
        for name in os.listdir(self.folder):
            if name.startswith("job") or name == "dst":
                path = os.path.join(self.folder, name)
                shutil.rmtree(path) if name == "dst" else os.unlink(path)
        os.mkdir(os.path.join(self.folder, "dst"))
        self.database.fill(self.table(variant), variant)

    def write_job(self, variant, host, port, hurried):
        url = MADE_UP[self.options.protocol].format(host, port)
        table = self.table(variant)
        lines = ["job: job", "source: {plugin: posix, root: src}", "destination: {plugin: posix, root: dst}",
                 "rename: [{prefix: image/, to: avatar/}]", "batch: 3", "attempts: 2"]
        if hurried:
            lines += ["timeout: 400ms", "patience: 1s"]
        if self.options.protocol == "redis":
            lines += ["databases:", f"  - {{plugin: sqlite, path: '{table}.db', table: t, column: path}}", "caches:",
                      f"  - {{plugin: redis, url: '{url}', invalidate: ['{table}:page:{{row.id}}'], "
                      f"rewrite: ['{table}:url:{{row.id}}'], publish: {{news: '{{row.id}}'}}}}"]
        else:
            more = {"set": ", set: {note: moved}", "texts": ", match: contains",
                    "part": ", json_path: $.url" if self.options.protocol == "mysql" else ""}.get(variant, "")
            limits = ", lock_timeout: 1s, statement_timeout: 1s" if hurried else ""
            lines += ["databases:", f"  - {{plugin: {self.options.protocol}, connection: '{url}', table: {table}, "
                      f"column: path{more}{limits}}}"]
        path = os.path.join(self.folder, "job.yml")
        with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("".join(line + "\n" for line in lines))

    def run(self, *flags, env=None):
        """Status (negative: a signal), what it said, MiB that it took."""
        with tempfile.TemporaryFile() as out:
            p = subprocess.Popen(["migrate-run", "--progress=none", *flags, "job.yml"], cwd=self.folder, stdout=out,
                                 stderr=out, stdin=subprocess.DEVNULL, env=env)
            timer = threading.Timer(self.options.deadline, p.send_signal, [signal.SIGABRT])
            timer.start()
            _, status, usage = os.wait4(p.pid, 0)
            late = not timer.is_alive()
            timer.cancel()
            p.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            said = out.read().decode("utf-8", "replace")
        if late:
            raise Wrong(f"it hangs: still there after {self.options.deadline} s; it said: {said[-1000:]}")
        return p.returncode, said, usage.ru_maxrss // 1024

    # ---- What must hold

    def counts(self):
        out = subprocess.run(["migrate-status", "--json", "job.yml"], cwd=self.folder, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=False, env=honest()).stdout
        rows = json.loads(out)["rows"] if out else {}
        return rows.get("changed", 0) + rows.get("already", 0)

    def look(self, variant):
        """How many rows hold their new value; each holds that, and its object is there, or its old one."""
        old, new = rows_of("image", variant), rows_of("avatar", variant)
        rows = self.database.rows(self.table(variant), variant)
        changed = 0
        if rows.keys() != old.keys():
            raise Wrong(f"rows are {sorted(rows)}")
        for i, (value, note) in rows.items():
            moved = value == new[i] and i <= N
            if not moved and value != old[i]:
                raise Wrong(f"row {i} holds {value!r}")
            if note != ("moved" if moved and variant == "set" else "mine"):
                raise Wrong(f"row {i} has the note {note!r}")
            if moved:
                changed += 1
                with open(os.path.join(self.folder, "dst", "avatar", str(i)), encoding="ascii") as f:
                    if f.read() != f"object {i}\n":
                        raise Wrong(f"row {i} points to a torn object")
        return changed

    def check_end(self, status, said, memory):
        if status not in DOCUMENTED:
            raise Wrong(f"it ended with {status}: {said[-3000:]}")
        if status and not said.strip():
            raise Wrong(f"it ended with {status} and said nothing")
        if memory > self.options.memory:
            raise Wrong(f"it took {memory} MiB")

    def check_claims(self, variant, status):
        changed = self.look(variant)
        claimed = self.counts()
        if claimed > changed:
            raise Wrong(f"{claimed} rows count as changed, {changed} are")
        if self.options.protocol == "redis" and status == 0 and self.database.stale(self.table(variant)):
            raise Wrong("the run ended well, but keys speak of rows as they were")

    def finish(self, variant, peer):
        """A run against the honest server; whether the job had been begun with somebody else."""
        if self.options.protocol == "redis":  # a cache is known by its address
            self.write_job(variant, "127.0.0.1", peer.address, False)
        else:
            self.write_job(variant, self.options.host, self.options.port, False)
        status, said, _ = self.run(env=honest())
        foreign = status == 5
        if foreign:  # the peer had said that it is another server, or another table
            status, said, _ = self.run("--new-journal", env=honest())
        if status not in (0, 3):
            raise Wrong(f"the honest run ended with {status}: {said[-3000:]}")
        changed = self.look(variant)
        if changed != N:
            raise Wrong(f"after the honest run {changed} rows of {N} are right: {said[-3000:]}")
        if self.options.protocol == "redis" and self.database.stale(self.table(variant)):
            raise Wrong("after the honest run keys speak of rows as they were")
        return foreign

    def honest_answers(self, variant):
        """How many answers a run gets; it must end well, or nothing else is worth anything."""
        peer = liard.Peer(self.options.protocol, self.options.host, self.options.port,
                          liard.Plan(self.options.protocol, None, 0))
        self.reset(variant)
        self.write_job(variant, "127.0.0.1", peer.address, False)
        status, said, _ = self.run()
        peer.close()
        if status:
            raise SystemExit(f"lies: the honest run ({variant}) ended with {status}: {said}")
        self.check_claims(variant, 0)
        return peer.plan.seen

    def try_lie(self, variant, seed, answers):
        peer = liard.Peer(self.options.protocol, self.options.host, self.options.port,
                          liard.Plan(self.options.protocol, seed, answers))
        status, memory, foreign = None, 0, False
        try:
            self.reset(variant)
            self.write_job(variant, "127.0.0.1", peer.address, True)
            status, said, memory = self.run()
            self.check_end(status, said, memory)
            peer.be_honest()
            self.check_claims(variant, status)
            foreign = self.finish(variant, peer)
        except (Wrong, OSError, subprocess.CalledProcessError) as e:
            wrong = str(e)
        else:
            wrong = None
        peer.close()
        return peer.plan.told, status, memory, foreign, wrong, said if status is not None else ""


# ---- All of them ---------------------------------------------------------------------------


class Trial:
    def __init__(self, options):
        self.options = options
        self.database = {"postgres": Postgres, "mysql": Mysql}.get(options.protocol, Sqlite)
        self.database = self.database(options.host, options.port) if options.protocol == "redis" else self.database()
        self.todo = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.statuses = collections.Counter()
        self.told = self.lies = self.failed = self.foreign = 0
        self.memory = 0

    def report(self, variant, seed, result):
        told, status, memory, foreign, wrong, said = result
        with self.lock:
            self.statuses[status] += 1
            self.told += bool(told)
            self.lies += len(told)
            self.foreign += foreign
            self.memory = max(self.memory, memory)
            if wrong or self.options.verbose:
                lie = f"{told[0]}{f' (and {len(told) - 1} more)' if len(told) > 1 else ''}" if told else "none was told"
                print(f"{seed} ({variant}): {lie}: status {status}, {memory} MiB", flush=True)
            if self.options.verbose and said.strip():
                print("    " + said.strip().splitlines()[-1][:300], flush=True)
            if wrong:
                self.failed += 1
                again = f"LIE={seed}" if isinstance(seed, str) else f"SEED={seed} LIES=1"
                print(f"    WRONG: {wrong}\n    again: {again}, for {self.options.protocol}", flush=True)

    def work(self, world, answers):
        while not self.options.lies or self.lies < self.options.lies:
            try:
                seed, variant = self.todo.get_nowait()
            except queue.Empty:
                return
            self.report(variant, seed, world.try_lie(variant, seed, answers[variant]))

    def go(self):
        o = self.options
        variants = VARIANTS[o.protocol]
        if o.lie:
            for lie in o.lie:
                self.todo.put((lie, variants[0]))
        else:
            for seed in range(o.seed, o.seed + (o.lies or o.count)):
                self.todo.put((seed, variants[seed % len(variants)]))
        worlds = [World(i, o, self.database) for i in range(o.jobs)]
        answers = {v: worlds[0].honest_answers(v) for v in variants}
        began = time.monotonic()
        threads = [threading.Thread(target=self.work, args=(w, answers)) for w in worlds]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        ends = ", ".join(f"{n} with {s}" for s, n in sorted(self.statuses.items(), key=str))
        print(f"{o.protocol}: {sum(self.statuses.values())} runs ended ({ends}); {self.told} were lied to, {self.lies} lies, "
              f"{self.foreign} took it for another server, {self.memory} MiB at most, "
              f"{time.monotonic() - began:.0f} s, {self.failed} wrong")
        return self.failed or not self.told


def main():
    p = argparse.ArgumentParser()
    p.add_argument("protocol", choices=list(VARIANTS))
    p.add_argument("folder", type=os.path.abspath)
    p.add_argument("host")
    p.add_argument("port", type=int)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=20)
    p.add_argument("--lies", type=int)
    p.add_argument("--lie", action="append")
    p.add_argument("--jobs", type=int, default=4)
    p.add_argument("--memory", type=int, default=400)
    p.add_argument("--deadline", type=float, default=100)
    p.add_argument("--verbose", action="store_true")
    sys.exit(bool(Trial(p.parse_args()).go()))


main()
