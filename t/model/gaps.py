# SPDX-License-Identifier: MIT
"""What the program is known not to do as the pages say. Take a line away once it does.

The generator leaves out what leads there, and what judges leaves aside what is told wrongly.
"""

GAPS = {
    "pairs": "CSV pairs that change between two runs",
    "left-behind": "a key that failed and is deleted or excluded later stays failed",
    "mid-pass": "another selection while a pass is under way",
    "copy-again": "--only=copy once more, before rows were done, lists nothing",
    "skipped": "a skipped object is never tried again",
    "numbers": "orphaned after --first; passed over, summed over passes; the dry run of a finished job",
    "attributes": "S3: metadata that changed with the same body",
    "absent": "keys of rows that the source does not have collide, and fail as unmatched or with --only=rows",
    "kept": "a dry run counts rows to change where no name changes",
    "forgotten": "keep: failures: --only=rows forgets rows that failed, and --retry-failed ends with 1 where there are such",
    "outcomes": "what became of a row is counted once for each time",
}
