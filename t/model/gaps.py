# SPDX-License-Identifier: MIT
"""What the program is known not to do as the pages say. Take a line away once it does.

The generator leaves out what leads there, and what judges leaves aside what is told wrongly.
"""

GAPS = {
    "absent": "keys of rows that the source does not have collide, and fail as unmatched or with --only=rows",
}
