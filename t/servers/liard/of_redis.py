# SPDX-License-Identifier: MIT
"""Lies of a Redis server."""

from general import ENDLESS
from speaks import PIECE


def re_instead(rng, _m):
    """another kind of answer"""
    return [rng.choice([b"+OK\r\n", b"+QUEUED\r\n", b":1\r\n", b":-1\r\n", b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"$0\r\n\r\n",
                        b"*1\r\n:1\r\n", b":99999999999999999999\r\n", b":\r\n", b"+\r\n", b"_\r\n", b"#t\r\n",
                        b",1.5\r\n", b"%1\r\n+a\r\n+b\r\n", b"~1\r\n+a\r\n", b">1\r\n+a\r\n", b"(1\r\n"])]


def re_declared(rng, _m):
    """a length that is none"""
    return [rng.choice([b"$8000000000\r\n", b"$2147483647\r\n", b"$-2\r\n", b"$9223372036854775807\r\n", b"*2147483647\r\n",
                        b"*4294967296\r\n", b"*1000000\r\n", b"$x\r\n", b"*-7\r\n", b"$ 1\r\n"]),
            rng.choice([b"", b"x" * 1000, b":1\r\n" * 1000])]


def re_nested(rng, _m):
    """lists in lists"""
    return [rng.choice([b"*1\r\n", b"*2\r\n", b"*3\r\n*0\r\n"]) * rng.choice([5, 9, 10000])]


def re_no_end(rng, _m):
    """a line that is long"""
    return [rng.choice([b"+", b"-", b":", b"$", b"*", b"\r"]) + b"1" * rng.choice([100, 70000, 3 << 20])]


def re_endless_text(_rng, _m):
    """a text of eight billion bytes"""
    return [b"$8000000000\r\n", ENDLESS, b"x" * PIECE]


def re_endless_line(_rng, _m):
    """a line without an end"""
    return [b"+", ENDLESS, b"x" * PIECE]


def re_endless_list(_rng, _m):
    """a list of billions"""
    return [b"*2147483647\r\n", ENDLESS, b":1\r\n" * 100000]


def re_endless_answers(_rng, m):
    """answers without an end"""
    return [ENDLESS, m * 20000]


LIES = [re_instead, re_declared, re_nested, re_no_end]
# Those that send more than anybody bears take long: they are told by name.
ENDLESS_LIES = [re_endless_text, re_endless_line, re_endless_list, re_endless_answers]
