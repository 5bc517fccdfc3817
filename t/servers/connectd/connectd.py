#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""connectd.py FOLDER: a proxy (CONNECT) that leads names of the world to servers of a test.

Listens on a free port of 127.0.0.1, written to FOLDER/port. FOLDER/hosts, read anew each time,
has lines "PATTERN HOST:PORT": a name that fits goes there, any other gets 502. FOLDER/log has a
line for each request: its method and the name and port that were asked for.
"""

import fnmatch
import os
import socket
import sys
import threading

FOLDER = sys.argv[1]
LOCK = threading.Lock()


def log(text):
    with LOCK, open(os.path.join(FOLDER, "log"), "a", encoding="ascii") as f:
        f.write(text + "\n")


def place_of(name):
    with open(os.path.join(FOLDER, "hosts"), encoding="ascii") as f:
        for line in f:
            pattern, place = line.split()
            if fnmatch.fnmatchcase(name, pattern):
                host, port = place.rsplit(":", 1)
                return host, int(port)
    return None


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()


def serve(client):
    head = b""
    while b"\r\n\r\n" not in head:
        data = client.recv(1)
        if not data:
            return
        head += data
    method, target = head.decode("latin-1").split()[:2]
    log(f"{method} {target}")
    place = place_of(target.rsplit(":", 1)[0]) if method == "CONNECT" else None
    if not place:
        client.sendall(b"HTTP/1.1 502 no such name\r\nContent-Length: 0\r\n\r\n")
        client.close()
        return
    server = socket.create_connection(place)
    for s in (client, server):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(b"HTTP/1.1 200 connected\r\n\r\n")
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    pump(server, client)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    path = os.path.join(FOLDER, "port")
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(f"{listener.getsockname()[1]}\n")
    os.rename(path + ".new", path)
    while True:
        client = listener.accept()[0]
        threading.Thread(target=serve, args=(client,), daemon=True).start()


main()
