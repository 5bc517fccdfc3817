# SPDX-License-Identifier: MIT
"""Lies of a MySQL server."""

import struct

from general import ENDLESS
from speaks import Mysql


def my_body(m):
    return m[4:]


def my_fields_of(body):
    """The fields of a row, or None when it is none."""
    fields, at = [], 0
    while at < len(body):
        n = body[at]
        if n == 0xfb:
            fields.append(None)
            at += 1
            continue
        if n > 0xfb:
            size = {0xfc: 2, 0xfd: 3, 0xfe: 8}.get(n)
            if size is None:
                return None
            n, at = int.from_bytes(body[at + 1:at + 1 + size], "little"), at + size
        if at + 1 + n > len(body):
            return None
        fields.append(body[at + 1:at + 1 + n])
        at += 1 + n
    return fields


def my_number(n):
    if n < 0xfb:
        return bytes([n])
    return b"\xfc" + n.to_bytes(2, "little") if n < 1 << 16 else b"\xfd" + n.to_bytes(3, "little")


def my_row(m, fields):
    return Mysql.make(m[3], b"".join(b"\xfb" if f is None else my_number(len(f)) + f for f in fields))


def my_rows_only(f):
    def lie(rng, m):
        fields = my_fields_of(my_body(m)) if my_body(m)[:1] not in (b"\0", b"\xff", b"\xfe") else None
        return f(rng, m, fields) if fields else None
    lie.__name__, lie.__doc__ = f.__name__, f.__doc__
    return lie


@my_rows_only
def my_null(rng, m, fields):
    """a field is NULL"""
    fields[rng.randrange(len(fields))] = None
    return [my_row(m, fields)]


@my_rows_only
def my_nulls(_rng, m, fields):
    """all fields are NULL"""
    return [my_row(m, [None] * len(fields))]


@my_rows_only
def my_length(rng, m, fields):
    """a field has another length"""
    i = rng.randrange(len(fields))
    value = fields[i] or b""
    fields[i] = rng.choice([b"", value[:-1], value + b"\0", value * 3, b"x" * 100000])
    return [my_row(m, fields)]


@my_rows_only
def my_other_number(rng, m, fields):
    """a number is another one"""
    fields[rng.randrange(len(fields))] = rng.choice([b"-1", b"0", b"99999999999999999999", b"0x10", b"", b" 7", b"7\0"])
    return [my_row(m, fields)]


@my_rows_only
def my_rows(rng, m, _fields):
    """more rows than there are"""
    return [m * rng.choice([2, 1100, 5000])]


@my_rows_only
def my_columns(rng, m, fields):
    """a row, or what comes before rows, has another number of columns"""
    return [my_row(m, rng.choice([fields[:-1], fields + [b"x"], fields[:1], fields * 20]))]


def my_one_column(rng, m):
    """a result has one column"""
    if len(m) in (5, 6) and 1 < m[4] < 0xfb:  # how many there are
        rng.plan.left = m[4] - 1
        return [Mysql.make(m[3], b"\1" + m[5:])]
    if rng.plan.left and my_body(m)[:4] == b"\3def":
        rng.plan.left -= 1
        return []
    return None


def my_counts(rng, m):
    """another number of columns is said to come"""
    if len(m) not in (5, 6) or not 0 < m[4] < 0xfb:
        return None
    return [Mysql.make(m[3], rng.choice([b"\0", b"\1", b"\x20", b"\xfb", b"\xfc\xff\xff", b"\xfd\xff\xff\xff",
                                         b"\xfe" + b"\xff" * 8, b"\xfe\0\0\1\0\0\0\0\0"]))]


def my_declared(rng, m):
    """a field, or a text, is declared longer than it is"""
    return [Mysql.make(m[3], rng.choice([b"\xfe" + b"\xff" * 8, b"\xfd\xff\xff\xff", b"\xfc\xff\x7f", b"\xfe"]) + my_body(m))]


def my_declared_message(rng, m):
    """a message that is declared to be large, or to go on"""
    return [rng.choice([b"\xff\xff\xff", b"\0\0\0", b"\xfe\xff\xff", b"\0\0\1"]) + m[3:]]


def my_ok(rng, m):
    """an OK, or an end, in place of an answer"""
    status = struct.pack("<H", rng.choice([0, 1, 2, 3, 8, 10, 0x4000, 0xffff]))
    return [rng.choice([
        Mysql.make(m[3], b"\0" + rng.choice([b"\0", b"\5", b"\xfe" + b"\xff" * 8]) + b"\0" + status + b"\0\0"),
        Mysql.make(m[3], b"\xfe\0\0" + status), Mysql.make(m[3], b"\0"), Mysql.make(m[3], b""),
        Mysql.make(m[3], b"\xfb/etc/passwd")])]


def my_status(rng, m):
    """an answer with another state of the server"""
    body = bytearray(my_body(m))
    if body[:1] == b"\0" and len(body) >= 7:
        body[3:5] = struct.pack("<H", rng.choice([0, 1, 2, 3, 8, 0xffff]))
    elif body[:1] == b"\xfe" and len(body) == 5:
        body[3:5] = struct.pack("<H", rng.choice([0, 1, 2, 3, 8, 0xffff]))
    else:
        return None
    return [Mysql.make(m[3], bytes(body))]


def my_progress(_rng, m):
    """a report of progress that nobody asked for"""
    return [Mysql.make(m[3], b"\xff\xff\xff\1\1\2\x10\x27\0\5hello"), m]


@my_rows_only
def my_endless_rows(_rng, m, _fields):
    """rows without an end"""
    return [ENDLESS, m * 2000]


@my_rows_only
def my_endless_row(_rng, _m, _fields):
    """one row without an end"""
    return [ENDLESS, b"\xff\xff\xff\1" + b"\xfd\xff\xff\xf0" + b"x" * (0xffffff - 4)]


def my_endless_columns(_rng, m):
    """columns without an end"""
    return [ENDLESS, m * 2000] if my_body(m)[:4] == b"\3def" else None


LIES = [my_one_column, my_null, my_nulls, my_length, my_other_number, my_rows, my_columns, my_counts, my_declared,
        my_declared_message, my_ok, my_status, my_progress]
# Those that send more than anybody bears take long: they are told by name.
ENDLESS_LIES = [my_endless_rows, my_endless_row, my_endless_columns]
