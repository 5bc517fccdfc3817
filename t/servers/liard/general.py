# SPDX-License-Identifier: MIT
"""Lies for any protocol.

A lie takes a source of chance (whose .plan knows what was said before) and a message, and gives
pieces: bytes to send, or one of the words below. None: it does not fit this message.
"""

from speaks import SPEAKS

CUT, STALL, ENDLESS = "cut", "stall", "endless"  # the last: what follows it, again and again


def cut(rng, m):
    """the connection ends in the middle of a message"""
    return [m[: rng.randrange(len(m))], CUT]


def never(rng, m):
    """the answer never comes, or not all of it"""
    return [m[: rng.choice([0, rng.randrange(len(m))])], STALL]


def drop(_rng, _m):
    """a message is left out"""
    return []


def twice(rng, m):
    """a message comes several times"""
    return [m] * rng.choice([2, 3, 2000])


def garbage(rng, m):
    """bytes of chance in place of a message"""
    return [rng.randbytes(rng.randrange(1, 4 * len(m) + 20))]


def more(rng, m):
    """bytes of chance behind a message"""
    return [m, rng.randbytes(rng.randrange(1, 40))]


def flip(rng, m):
    """some bytes of a message are others"""
    data = bytearray(m)
    for _ in range(rng.choice([1, 1, 2, 8])):
        data[rng.randrange(len(data))] = rng.choice([0, 1, 0x7f, 0x80, 0xfb, 0xfe, 0xff, rng.randrange(256)])
    return [bytes(data)]


def error_before(rng, m):
    """an error that nobody made, and the answer all the same"""
    return [SPEAKS[rng.plan.protocol].error(rng), m]


def error_instead(rng, _m):
    """an error in place of an answer"""
    return [SPEAKS[rng.plan.protocol].error(rng)]


def another(rng, m):
    """the answer to another question"""
    return [rng.choice(rng.plan.old or [m + m])]


def end_early(_rng, _m):
    """the connection ends in place of an answer"""
    return [CUT]


GENERAL = [cut, never, drop, twice, garbage, more, flip, error_before, error_instead, another, end_early]
