# SPDX-License-Identifier: MIT
"""Lies of a PostgreSQL server."""

import struct

from general import ENDLESS
from speaks import PIECE, Postgres


def pg_only(kinds):
    def decorate(f):
        def lie(rng, m):
            return f(rng, m) if m[:1] in kinds else None
        lie.__name__, lie.__doc__ = f.__name__, f.__doc__
        return lie
    return decorate


def pg_columns_of(m):
    """Descriptions of the columns in a row description."""
    columns, at = [], 7
    for _ in range(struct.unpack("!H", m[5:7])[0]):
        end = m.index(b"\0", at) + 1 + 18
        columns.append(m[at:end])
        at = end
    return columns


def pg_fields_of(m):
    fields, at = [], 7
    for _ in range(struct.unpack("!H", m[5:7])[0]):
        n = struct.unpack("!i", m[at:at + 4])[0]
        at += 4
        fields.append(None if n < 0 else m[at:at + n])
        at += max(n, 0)
    return fields


def pg_row(fields):
    body = struct.pack("!H", len(fields))
    for f in fields:
        body += struct.pack("!i", -1) if f is None else struct.pack("!i", len(f)) + f
    return Postgres.make(b"D", body)


class PgNarrow:
    """All of a result has another number of columns: both its description and its rows."""

    def __init__(self, columns):
        self.columns = columns
        self.__doc__ = f"a result has {columns:+} columns" if columns else "a result has one column"
        self.__name__ = f"pg_columns{columns:+}" if columns else "pg_one_column"

    def count(self, n):
        return max(n + self.columns, 0) if self.columns else 1

    def __call__(self, _rng, m):
        if m[:1] == b"T":
            columns = pg_columns_of(m)
            n = self.count(len(columns))
            columns = (columns * (n + 1))[:n] if columns else []
            return [Postgres.make(b"T", struct.pack("!H", n) + b"".join(columns))]
        if m[:1] == b"D":
            fields = pg_fields_of(m)
            return [pg_row((fields * (self.count(len(fields)) + 1))[: self.count(len(fields))])]
        return None


@pg_only(b"T")
def pg_types(rng, m):
    """columns of other types and formats"""
    columns = pg_columns_of(m)
    if not columns:
        return [m]
    i = rng.randrange(len(columns))
    if rng.random() < 0.5:
        columns[i] = columns[i][:-2] + struct.pack("!h", rng.choice([0, 1, 2, -1]))
    else:
        columns[i] = columns[i][:-12] + struct.pack("!I", rng.choice([0, 16, 17, 20, 23, 25, 700, 2249])) + columns[i][-8:]
    return [Postgres.make(b"T", struct.pack("!H", len(columns)) + b"".join(columns))]


@pg_only(b"D")
def pg_null(rng, m):
    """a field is NULL"""
    fields = pg_fields_of(m)
    if fields:
        fields[rng.randrange(len(fields))] = None
    return [pg_row(fields)]


@pg_only(b"D")
def pg_nulls(_rng, m):
    """all fields are NULL"""
    return [pg_row([None] * len(pg_fields_of(m)))]


@pg_only(b"D")
def pg_length(rng, m):
    """a field has another length"""
    fields = pg_fields_of(m)
    if fields:
        i = rng.randrange(len(fields))
        value = fields[i] or b""
        fields[i] = rng.choice([b"", value[:-1], value[:1], value + b"\0", value * 3, b"x" * 100000])
    return [pg_row(fields)]


@pg_only(b"D")
def pg_declared(rng, m):
    """a field is declared longer than it is, or shorter than nothing"""
    at = 7
    return [m[:at] + struct.pack("!i", rng.choice([-2, 1 << 30, 0x7fffffff, -0x80000000, len(m)])) + m[at + 4:]]


@pg_only(b"D")
def pg_number(rng, m):
    """a number is another one"""
    fields = pg_fields_of(m)
    if fields:
        i = rng.randrange(len(fields))
        size = len(fields[i] or b"")
        text = [b"-1", b"0", b"99999999999999999999", b"0x10", b"", b" 7", b"nan", b"7\0"]
        fields[i] = rng.choice(text + [(-1 & (256 ** size - 1)).to_bytes(size, "big"), b"\0" * size])
    return [pg_row(fields)]


@pg_only(b"D")
def pg_rows(rng, m):
    """more rows than there are"""
    return [m * rng.choice([2, 1100, 5000])]


@pg_only(b"DTCZ12n")
def pg_declared_message(rng, m):
    """a message that is declared to be large"""
    return [m[:1] + struct.pack("!i", rng.choice([0, 3, 4, -1, 30001, 1 << 29, 0x7fffffff])) + m[5:]]


@pg_only(b"C")
def pg_tag(rng, _m):
    """another command was done"""
    return [Postgres.make(b"C", rng.choice([b"COMMIT", b"ROLLBACK", b"SELECT 0", b"", b"UPDATE 9", b"x" * 300]) + b"\0")]


@pg_only(b"Z")
def pg_state(rng, _m):
    """another state of the transaction"""
    return [Postgres.make(b"Z", rng.choice([b"I", b"T", b"E", b"x"]))]


@pg_only(b"CZTD12n")
def pg_copy(rng, m):
    """a COPY begins"""
    return [Postgres.make(rng.choice([b"H", b"G", b"W"]), b"\0\0\0"), m]


@pg_only(b"CZTDRSK12n")
def pg_notes(rng, m):
    """notices, notifications, settings and what else comes unasked"""
    name = str(rng.randrange(10 ** 6)).encode()
    one = rng.choice([
        Postgres.make(b"N", b"SNOTICE\0C00000\0M" + b"x" * rng.choice([1, 60000]) + b"\0\0"),
        Postgres.make(b"A", b"\0\0\0\1" + name + b"\0" + name + b"\0"),
        Postgres.make(b"S", rng.choice([name, b"standard_conforming_strings", b"client_encoding", b"server_version"])
                      + b"\0" + rng.choice([b"off", b"9.1", b"LATIN1"]) + b"\0"),
        Postgres.make(b"I", b""), Postgres.make(b"s", b""), Postgres.make(b"3", b""), Postgres.make(b"v", b"\0" * 8)])
    return [one * rng.choice([1, 50, 500]), m]


@pg_only(b"TDCZ")
def pg_endless_notes(_rng, _m):
    """notices without an end"""
    return [ENDLESS, Postgres.make(b"N", b"SNOTICE\0C00000\0M" + b"x" * 4000 + b"\0\0") * 200]


@pg_only(b"D")
def pg_endless_rows(_rng, m):
    """rows without an end"""
    return [ENDLESS, m * 2000]


@pg_only(b"D")
def pg_endless_row(_rng, _m):
    """one row without an end"""
    return [b"D" + struct.pack("!iHi", 0x3ffffff0, 1, 0x3fffffe6), ENDLESS, b"x" * PIECE]


@pg_only(b"TDC")
def pg_endless_error(_rng, _m):
    """an error whose text has no end"""
    return [b"E" + struct.pack("!i", 0x3ffffff0) + b"SERROR\0C40001\0M", ENDLESS, b"x" * PIECE]


LIES = [PgNarrow(0), PgNarrow(-1), PgNarrow(1), PgNarrow(-99), pg_types, pg_null, pg_nulls, pg_length, pg_declared,
        pg_number, pg_rows, pg_declared_message, pg_tag, pg_state, pg_copy, pg_notes]
# Those that send more than anybody bears take long: they are told by name.
ENDLESS_LIES = [pg_endless_notes, pg_endless_rows, pg_endless_row, pg_endless_error]
