#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dbproxy.py postgres|mysql FOLDER HOST PORT: stands between a client and such a server.

It understands the messages of the protocol, so that it can do to a COMMIT what
networks do. Listens on a free port of 127.0.0.1, written to FOLDER/port. What it
does is read anew for each COMMIT from FOLDER/plan, a line each, the first of which
is used up:

  pass     hand it on
  before   cut the connection before the COMMIT reaches the server
  after    hand it on, wait for the answer, and cut without handing that back
  late S   hand it on after S seconds, when the client's connection is cut already
  stall    hand nothing on any more, in neither direction, and keep the connection

FOLDER/log says what was done. An empty plan means pass.
"""

import os
import socket
import struct
import sys
import threading
import time

PROTOCOL, FOLDER, HOST, PORT = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
LOCK = threading.Lock()
SSL_REQUESTS = (80877103, 80877104)  # asked for before the first message


def next_plan():
    """The first line of the plan, which is taken off it."""
    with LOCK:
        path = os.path.join(FOLDER, "plan")
        try:
            with open(path, encoding="ascii") as f:
                lines = f.read().splitlines()
        except FileNotFoundError:
            return ["pass"]
        if not lines:
            return ["pass"]
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write("".join(line + "\n" for line in lines[1:]))
        os.rename(path + ".new", path)
        return lines[0].split()


def log(text):
    with LOCK, open(os.path.join(FOLDER, "log"), "a", encoding="ascii") as f:
        f.write(text + "\n")


def receive(sock, n):
    data = b""
    while len(data) < n:
        piece = sock.recv(n - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


class Postgres:
    """A message has a type, then its length in four bytes; those before the first have no type."""

    @staticmethod
    def message(sock):
        """One message in two parts; what came is what goes on."""
        head = receive(sock, 5)
        return head, receive(sock, struct.unpack("!I", head[1:])[0] - 4)

    @staticmethod
    def start(client, server):
        while True:
            head = receive(client, 4)
            body = receive(client, struct.unpack("!I", head)[0] - 4)
            if struct.unpack("!I", body[:4])[0] in SSL_REQUESTS:
                client.sendall(b"N")  # no encryption here, or nothing could be read
                continue
            server.sendall(head + body)
            return

    @staticmethod
    def is_commit(head, body):
        # 'Q': a simple query
        return head[:1] == b"Q" and body.rstrip(b"\0").strip().upper() == b"COMMIT"

    @staticmethod
    def is_answer(head, _):
        return head[:1] == b"Z"  # ready for the next query


class Mysql:
    """A message has its length in three bytes, then a number. The server speaks first."""

    @staticmethod
    def message(sock):
        head = receive(sock, 4)
        return head, receive(sock, int.from_bytes(head[:3], "little"))

    @staticmethod
    def start(client, server):
        pass

    @staticmethod
    def is_commit(head, body):
        # 3: a query
        return head[3:] == b"\0" and body[:1] == b"\3" and body[1:].strip().upper() == b"COMMIT"

    @staticmethod
    def is_answer(_, body):
        return body[:1] in (b"\0", b"\xff")  # well, or an error


SPEAKS = {"postgres": Postgres, "mysql": Mysql}[PROTOCOL]


class Pair:
    """One client's connection and ours to the server."""

    def __init__(self, client):
        self.client = client
        self.server = socket.create_connection((HOST, PORT))
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.hold = threading.Event()  # answers stay here
        self.answered = threading.Event()

    def cut(self):
        for sock in (self.client, self.server):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def cut_client(self):
        try:
            self.client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def answers(self):
        try:
            while True:
                head, body = SPEAKS.message(self.server)
                if self.hold.is_set():
                    if SPEAKS.is_answer(head, body):
                        self.answered.set()
                    continue
                self.client.sendall(head + body)
        except (OSError, ConnectionError):
            self.answered.set()
            if not self.hold.is_set():
                self.cut()

    def commit(self, raw):
        plan = next_plan()
        if plan[0] != "pass":
            log(" ".join(plan))
        if plan[0] == "pass":
            self.server.sendall(raw)
            return
        if plan[0] == "stall":
            self.hold.set()
            threading.Event().wait()
        self.hold.set()
        if plan[0] == "after":
            self.server.sendall(raw)
            self.answered.wait(30)
        elif plan[0] == "late":
            self.cut_client()
            time.sleep(float(plan[1]))
            self.server.sendall(raw)
            self.answered.wait(30)
        self.cut()
        raise ConnectionError

    def run(self):
        try:
            SPEAKS.start(self.client, self.server)
            threading.Thread(target=self.answers, daemon=True).start()
            while True:
                head, body = SPEAKS.message(self.client)
                if SPEAKS.is_commit(head, body):
                    self.commit(head + body)
                else:
                    self.server.sendall(head + body)
        except (OSError, ConnectionError):
            self.cut()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    with open(os.path.join(FOLDER, "port.new"), "w", encoding="ascii") as f:
        f.write(f"{listener.getsockname()[1]}\n")
    os.rename(os.path.join(FOLDER, "port.new"), os.path.join(FOLDER, "port"))
    while True:
        client, _ = listener.accept()
        try:
            pair = Pair(client)
        except OSError:  # the server is away
            client.close()
            continue
        threading.Thread(target=pair.run, daemon=True).start()


main()
