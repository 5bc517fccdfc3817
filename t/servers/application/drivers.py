# SPDX-License-Identifier: MIT
"""Connections of an application, on the client libraries that are there for the plugins.

run(statement) -> (rows, affected); values come as text. Refused answers with the server's code.
"""

import ctypes
import sqlite3


class Refused(Exception):
    """The statement failed; what was open of a transaction is for the caller to roll back."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code = code


def quote(text):
    """As all three take it: the application's own values hold no backslash."""
    return "'" + text.replace("'", "''") + "'"


class Postgres:
    """conninfo: as libpq takes it."""

    FATAL, TUPLES, COMMAND = 7, 2, 1

    def __init__(self, conninfo):
        pq = self.pq = ctypes.CDLL("libpq.so.5")
        pq.PQconnectdb.restype = pq.PQexec.restype = ctypes.c_void_p
        for name in ("PQerrorMessage", "PQcmdTuples", "PQgetvalue", "PQresultErrorField"):
            getattr(pq, name).restype = ctypes.c_char_p
        self.conn = ctypes.c_void_p(pq.PQconnectdb(conninfo.encode()))
        if pq.PQstatus(self.conn):
            raise Refused("connection", pq.PQerrorMessage(self.conn).decode())
        self.run("SET client_min_messages = warning")

    def run(self, statement):
        pq, res = self.pq, ctypes.c_void_p(self.pq.PQexec(self.conn, statement.encode()))
        try:
            if pq.PQresultStatus(res) not in (self.COMMAND, self.TUPLES):
                code = pq.PQresultErrorField(res, ord("C")) or b"connection"
                raise Refused(code.decode(), pq.PQerrorMessage(self.conn).decode().strip())
            columns = range(pq.PQnfields(res))
            rows = [[pq.PQgetvalue(res, r, c).decode() for c in columns] for r in range(pq.PQntuples(res))]
            return rows, int(pq.PQcmdTuples(res) or 0)
        finally:
            pq.PQclear(res)


class MariaDB:
    """HOST:PORT:USER:PASSWORD:DATABASE"""

    def __init__(self, address):
        my = self.my = ctypes.CDLL("libmariadb.so.3")
        for name in ("mysql_init", "mysql_real_connect", "mysql_store_result"):
            getattr(my, name).restype = ctypes.c_void_p
        my.mysql_fetch_row.restype = ctypes.POINTER(ctypes.c_char_p)
        my.mysql_error.restype = ctypes.c_char_p
        my.mysql_affected_rows.restype = ctypes.c_uint64
        host, port, user, password, database = (part.encode() for part in address.split(":"))
        self.conn = ctypes.c_void_p(my.mysql_init(None))
        if not my.mysql_real_connect(self.conn, host, user, password, database, int(port), None, ctypes.c_ulong(0)):
            raise Refused("connection", my.mysql_error(self.conn).decode())
        self.run("SET NAMES utf8mb4")

    def run(self, statement):
        my, text = self.my, statement.encode()
        if my.mysql_real_query(self.conn, text, ctypes.c_ulong(len(text))):
            raise Refused(str(my.mysql_errno(self.conn)), my.mysql_error(self.conn).decode())
        res, rows = ctypes.c_void_p(my.mysql_store_result(self.conn)), []
        if not res:
            return rows, my.mysql_affected_rows(self.conn)
        while row := my.mysql_fetch_row(res):
            rows.append([row[c].decode() for c in range(my.mysql_num_fields(res))])
        my.mysql_free_result(res)
        return rows, len(rows)


class SQLite:
    """A path. Waits for the lock up to five seconds, as applications do."""

    def __init__(self, path):
        self.db = sqlite3.connect(path, timeout=5, isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute("PRAGMA synchronous = NORMAL")

    def run(self, statement):
        try:
            cursor = self.db.execute("BEGIN IMMEDIATE" if statement == "BEGIN" else statement.replace(" FOR UPDATE", ""))
            rows = [[str(value) for value in row] for row in cursor.fetchall()]
            return rows, cursor.rowcount
        except sqlite3.Error as e:
            raise Refused(type(e).__name__, str(e)) from e


KINDS = {"postgres": Postgres, "mysql": MariaDB, "sqlite": SQLite}


def connect(kind, address):
    return KINDS[kind](address)
