# SPDX-License-Identifier: MIT
"""How messages of three protocols are told apart, and made."""

import struct

SSL_REQUESTS = (80877103, 80877104)
PIECE = 1 << 20


class Gone(Exception):
    """The connection is over."""


def receive(sock, n):
    data = bytearray()
    while len(data) < n:
        piece = sock.recv(min(n - len(data), PIECE))
        if not piece:
            raise Gone
        data += piece
    return bytes(data)


class Postgres:
    """A message: its type, then its length in four bytes, which counts itself."""

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
    def message(sock):
        head = receive(sock, 5)
        return head + receive(sock, struct.unpack("!I", head[1:])[0] - 4)

    @staticmethod
    def make(kind, body):
        return kind + struct.pack("!I", len(body) + 4) + body

    @staticmethod
    def error(rng):
        state = rng.choice([b"22001", b"40001", b"42601", b"53200", b"57P01", b"08006", b"XX000", b""])
        level = rng.choice([b"ERROR", b"FATAL", b"PANIC", b"NOTICE"])
        fields = b"S" + level + b"\0V" + level + b"\0" + (b"C" + state + b"\0" if state else b"")
        return Postgres.make(b"E", fields + b"Mthe peer made this up\0" + b"\0")


class Mysql:
    """A message: its length in three bytes, its number in one."""

    @staticmethod
    def start(_client, _server):
        pass

    @staticmethod
    def message(sock):
        head = receive(sock, 4)
        return head + receive(sock, int.from_bytes(head[:3], "little"))

    @staticmethod
    def make(number, body):
        return len(body).to_bytes(3, "little") + bytes([number & 255]) + body

    @staticmethod
    def error(rng, number=1):
        code = rng.choice([1062, 1205, 1213, 1317, 1064, 1927, 2013, 4031, 65535])
        return Mysql.make(number, b"\xff" + struct.pack("<H", code) + b"#HY000the peer made this up")


class Redis:
    """A message: a line, and what it says follows."""

    @staticmethod
    def start(_client, _server):
        pass

    @staticmethod
    def line(sock):
        data = b""
        while not data.endswith(b"\r\n"):
            data += receive(sock, 1)
        return data

    @staticmethod
    def message(sock):
        line = Redis.line(sock)
        if line[:1] == b"$" and line[1:2] != b"-":
            return line + receive(sock, int(line[1:]) + 2)
        if line[:1] == b"*":
            for _ in range(int(line[1:])):
                line += Redis.message(sock)
        return line

    @staticmethod
    def error(rng):
        return rng.choice([b"-ERR made up\r\n", b"-READONLY no\r\n", b"-NOSCRIPT none\r\n", b"-MOVED 1 a:1\r\n",
                           b"-OOM no\r\n", b"-LOADING yes\r\n", b"-NOPERM no\r\n", b"-\r\n"])


SPEAKS = {"postgres": Postgres, "mysql": Mysql, "redis": Redis}
