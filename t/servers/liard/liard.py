#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""liard.py postgres|mysql|redis FOLDER HOST PORT [SEED | =LIE]: stands between a client and an
honest server, hands everything on, and lies once in the middle of it.

Listens on a free port of 127.0.0.1, written to FOLDER/port; FOLDER/log says which lie was told to
which answer. What the server hears is always true: so what its rows hold is the truth.

SEED chooses the answer (of all that FOLDER/answers says an honest run has, 100 if there is none),
the lie, and whether it is told once, to each answer to the same question, or to every second
answer from there on. =LIE is a certain lie from the first answer that it fits on; without either
the peer is honest. liard.py PROTOCOL --lies prints all lies.
"""

import os
import random
import re
import socket
import struct
import sys
import threading

import general
import of_mysql
import of_postgres
import of_redis
from speaks import SPEAKS, Gone

OF_PROTOCOL = {"postgres": of_postgres, "mysql": of_mysql, "redis": of_redis}
ENOUGH = 160 << 20  # bytes after which a lie without an end ends


class Plan:
    """Which answers are lied about, and how."""

    def __init__(self, protocol, seed, answers):
        self.protocol = protocol
        self.seed = seed
        self.fixed = None
        self.at = None
        self.lock = threading.Lock()
        self.seen = 0
        self.question = None
        self.told = []
        self.old = []  # answers that were given
        self.left = 0  # descriptions of columns to leave out
        self.chosen = None
        if isinstance(seed, str):
            every = general.GENERAL + OF_PROTOCOL[protocol].LIES + OF_PROTOCOL[protocol].ENDLESS_LIES
            self.fixed = [x for x in every if seed in (x.__name__, x.__doc__)]
            if not self.fixed:
                raise SystemExit(f"liard: no such lie: {seed}")
        elif seed is not None:
            rng = random.Random(seed)
            self.at = rng.randrange(max(answers, 1))
            self.mode = rng.choices(["once", "question", "half"], [55, 30, 15])[0]

    def is_due(self, n, question, rng):
        if n < self.at:
            return False
        if self.chosen is None or n == self.at:
            self.question = question
            return True
        if self.mode == "question":
            return question == self.question
        return self.mode == "half" and rng.random() < 0.5

    def say(self, message, question):
        """What is sent in place of a message."""
        with self.lock:
            n = self.seen
            self.seen += 1
            self.old = self.old[-199:] + [message]
            if self.fixed is None and self.at is None:
                return [message]
            rng = random.Random(f"{self.seed}/{n}")
            rng.plan = self
            if self.fixed is not None:
                lies = self.fixed
            elif not self.is_due(n, question, rng):
                return [message]
            else:
                # one lie, told again: another one where it does not fit
                own, common = OF_PROTOCOL[self.protocol].LIES, general.GENERAL
                lies = [self.chosen] if self.chosen else []
                for some in (own, common) if rng.random() < 0.65 else (common, own):
                    lies += rng.sample(some, len(some))
            for lie in lies:
                try:
                    pieces = lie(rng, message)
                except (struct.error, IndexError, ValueError):
                    pieces = None
                if pieces is None:
                    continue
                self.chosen = self.chosen or lie
                self.told.append(f"answer {n} to {question}: {lie.__doc__}")
                return pieces
            return [message]


class Pair:
    """A client's connection, and ours to the server."""

    def __init__(self, peer, client):
        self.peer = peer
        self.client = client
        self.server = socket.create_connection((peer.host, peer.port))
        self.question = "the greeting"
        for sock in (self.client, self.server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def end(self):
        for sock in (self.client, self.server):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def send_endless(self, piece):
        sent = 0
        while sent < ENOUGH:
            self.client.sendall(piece)
            sent += len(piece)

    def tell(self, pieces):
        endless = False
        for piece in pieces:
            if piece == general.CUT:
                raise Gone
            if piece == general.STALL:
                self.peer.stop.wait()
                raise Gone
            if piece == general.ENDLESS:
                endless = True
            elif endless:
                self.send_endless(piece)
                endless = False
            else:
                self.client.sendall(piece)

    def answers(self):
        try:
            while True:
                message = self.peer.speaks.message(self.server)
                self.tell(self.peer.plan.say(message, self.question))
        except (OSError, Gone, ValueError):
            self.end()

    def questions(self):
        try:
            self.peer.speaks.start(self.client, self.server)
            threading.Thread(target=self.answers, daemon=True).start()
            while True:
                data = self.client.recv(65536)
                if not data:
                    break
                self.question = re.sub(rb"[^ -~]+", b" ", data).strip()[:60].decode("ascii") or "bytes"
                self.server.sendall(data)
        except (OSError, Gone, ValueError, struct.error):
            pass
        self.end()


class Peer:
    """A peer on a free port, which lies as `plan` says."""

    def __init__(self, protocol, host, port, plan):
        self.speaks = SPEAKS[protocol]
        self.host, self.port, self.plan = host, port, plan
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def be_honest(self):
        """From now on; who waits for an answer is cut off."""
        self.plan.at = self.plan.fixed = None
        self.stop.set()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                pair = Pair(self, client)
            except OSError:
                client.close()
                continue
            threading.Thread(target=pair.questions, daemon=True).start()

    def close(self):
        self.stop.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


def main():
    protocol = sys.argv[1]
    if len(sys.argv) == 3 and sys.argv[2] == "--lies":
        for lie in general.GENERAL + OF_PROTOCOL[protocol].LIES + OF_PROTOCOL[protocol].ENDLESS_LIES:
            print(f"{lie.__name__:22} {lie.__doc__}")
        return
    folder, host, port = sys.argv[2], sys.argv[3], int(sys.argv[4])
    chosen = sys.argv[5] if len(sys.argv) > 5 else None
    answers = 100
    if os.path.exists(os.path.join(folder, "answers")):
        with open(os.path.join(folder, "answers"), encoding="ascii") as f:
            answers = int(f.read())
    seed = chosen[1:] if chosen and chosen[0] == "=" else chosen and int(chosen)
    peer = Peer(protocol, host, port, Plan(protocol, seed, answers))
    with open(os.path.join(folder, "port.new"), "w", encoding="ascii") as f:
        f.write(f"{peer.address}\n")
    os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
    written = 0
    while not peer.stop.wait(0.1):
        told = peer.plan.told[written:]
        with open(os.path.join(folder, "log"), "a", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in told)
        written += len(told)


if __name__ == "__main__":
    main()
