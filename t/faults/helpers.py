# SPDX-License-Identifier: MIT
"""What a sequence needs beside the programs: killat, and the servers of its world, one set for a worker."""

import glob
import os
import shutil
import subprocess
import time

from ends import s3_module

HERE = os.path.dirname(os.path.abspath(__file__))
SERVERS = os.path.join(HERE, "../servers")


END = "that was all"


def real_psql():
    """Debian's psql is a script that looks for one."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))
    return found[-1] if found else "psql"


def wait_for(path, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (os.path.exists(path) and os.path.getsize(path)):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} does not start")
        time.sleep(0.01)
    with open(path, encoding="ascii") as f:
        return f.readline().strip()


class S3d:
    """A server of its own, on a free port; ends with us."""

    def __init__(self, program, folder):
        os.makedirs(folder, exist_ok=True)
        port = os.path.join(folder, "port")
        self.log = os.path.join(folder, "log")
        self.process = subprocess.Popen([program, "--port", "0", "--port-file", port, "--log", self.log])
        self.url = f"http://127.0.0.1:{wait_for(port, 's3d')}"
        self.client = s3_module().Client(self.url)

    def control(self, path, body=b""):
        return self.client.send("POST", f"/.s3d/{path}", {}, body)

    def reset(self):
        self.script("")
        self.control("reset")

    def script(self, rules):
        self.control("script", (rules or "# no faults\n").encode())

    def end(self):
        self.process.terminate()
        self.process.wait()


class Postgres:
    """A database of its own in the server that PGHOST leads to, behind a dbproxy."""

    def __init__(self, folder, number):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.name = folder, f"sequence_{os.getpid()}_{number}"
        self.psql(f"CREATE DATABASE {self.name}", os.environ["PGDATABASE"])
        environment = {**os.environ, "PGDATABASE": self.name}
        options = ["-X", "-q", "-A", "-t", "-F", "\t", "-P", "null=NULL", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        self.shell = subprocess.Popen(
            [real_psql()] + options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        proxy = os.path.join(SERVERS, "dbproxy/dbproxy.py")
        self.process = subprocess.Popen(
            ["python3", proxy, "postgres", folder, "127.0.0.1", os.environ["PGPORT"]]
        )
        port = wait_for(os.path.join(folder, "port"), "dbproxy")
        self.uri = f"postgresql://test:test-password@127.0.0.1:{port}/{self.name}"

    @staticmethod
    def psql(statement, database):
        subprocess.run(["psql", "-X", "-q", "-c", statement, database], check=True, timeout=60)

    def ask(self, statements):
        """Lines of what they answer, from one client that stays."""
        self.shell.stdin.write(f"{statements}\n\\echo {END}\n".encode())
        self.shell.stdin.flush()
        lines = []
        while True:
            line = self.shell.stdout.readline()
            if not line:
                raise RuntimeError("psql: it ended")
            if line.decode().rstrip("\n") == END:
                return lines
            lines.append(line.rstrip(b"\n"))

    def plan(self, lines):
        path = os.path.join(self.folder, "plan")
        with open(path + ".ours", "w", encoding="ascii") as f:
            f.write("".join(line + "\n" for line in lines))
        os.rename(path + ".ours", path)

    def end(self):
        self.shell.stdin.close()
        self.shell.wait()
        self.process.terminate()
        self.process.wait()
        self.psql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)", os.environ["PGDATABASE"])


class Servers:
    """Started when a world asks for them."""

    def __init__(self, build, folder, number):
        self.build, self.folder, self.number = build, folder, number
        self.killat = os.path.join(build, "t/faults/killat")
        self.s3d_program = os.path.join(build, "t/servers/s3d/s3d")
        self._s3 = self._postgres = None

    @property
    def s3(self):
        if not self._s3:
            self._s3 = S3d(self.s3d_program, os.path.join(self.folder, f"s3d-{self.number}"))
        return self._s3

    @property
    def postgres(self):
        if not self._postgres:
            self._postgres = Postgres(os.path.join(self.folder, f"proxy-{self.number}"), self.number)
            os.environ["DATABASE_URI"] = self._postgres.uri
        return self._postgres

    def end(self):
        for server in (self._s3, self._postgres):
            if server:
                server.end()


class Cluster:
    """A PostgreSQL server for all workers, where nobody started one for us."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "postgres")
        self.ours = "PGHOST" not in os.environ
        if not self.ours:
            return
        os.chmod(folder, 0o711)
        subprocess.run([os.path.join(SERVERS, "postgres/up.sh"), self.folder], check=True)
        with open(os.path.join(self.folder, "env"), encoding="ascii") as f:
            for word in f.read().split():
                name, _, value = word.partition("=")
                os.environ[name] = value.strip("'")

    def end(self):
        if self.ours:
            subprocess.run([os.path.join(SERVERS, "postgres/down.sh"), self.folder, "QUIT"], check=False)


def prepare_environment(build):
    """The build's programs, without wrappers, as t/lib.sh does."""
    programs = os.path.join(build, "core/cmd/.libs")
    if not os.path.isdir(programs):
        programs = os.path.join(build, "core/cmd")
    os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
    os.environ["LD_LIBRARY_PATH"] = os.path.join(build, "core/.libs")
    os.environ["MIGRATE_PLUGIN_PATH"] = os.path.join(build, "plugins/.libs")
    os.environ["S3D_SECRET_KEY"] = "sk/test+secret0123456789abcdefghijklmnop"
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    os.environ["TZ"] = "UTC"
    if not shutil.which("migrate-run"):
        raise SystemExit(f"sequence: no programs in {build}: build first, or say --build")
