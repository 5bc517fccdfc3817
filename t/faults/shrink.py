# SPDX-License-Identifier: MIT
"""The fewest steps of a sequence that still fail in the same way."""


def shrink(text, fails, tries=24):
    """fails(text) tells the kind of failure, or None. Returns the shorter sequence."""
    kind = fails(text)
    if kind is None:
        return None
    first, *words = text.split()
    size = max(1, len(words) // 2)
    while size >= 1 and tries > 0:
        at, before = 0, len(words)
        while at < len(words) and tries > 0:
            fewer = words[:at] + words[at + size :]
            tries -= 1
            if fails(" ".join([first] + fewer)) == kind:
                words = fewer
            else:
                at += size
        if len(words) == before or size > len(words):
            size = size // 2
    return " ".join([first] + words)
