# SPDX-License-Identifier: MIT
"""What the program is known not to do as the pages say. Take a line away once it does.

The generator leaves out what leads there, and what judges leaves aside what is told wrongly.
"""

GAPS = {
    "pairs": "CSV pairs that change between two runs",
    "left-behind": "a key that failed and is deleted or excluded later stays failed",
    "numbers": "orphaned after --first; passed over, summed over passes; the dry run of a finished job",
    "attributes": "S3: metadata that changed with the same body",
    "absent": "keys of rows that the source does not have collide, and fail as unmatched or with --only=rows",
    "forgotten": "keep: failures, and rows that failed or wait: --only=rows forgets them, --retry-failed ends with 1 or 7",
    "outcomes": "what became of a row is counted once for each time",
}
