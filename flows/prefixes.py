"""Where uploads may be announced from: `s3://bucket` or `s3://bucket/prefix`, as it is written (pure)."""

import re

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
"""A bucket's name, as boto3 takes it."""


def check_prefix(prefix: str) -> None:
    """Refuses what would let in nothing, or something else than was meant.

    Raises:
        ValueError: what it is to be.
    """
    bucket, _, key = prefix.removeprefix("s3://").partition("/")
    if not prefix.startswith("s3://") or not BUCKET.fullmatch(bucket):
        raise ValueError("each is s3://bucket or s3://bucket/prefix, with commas between them")
    if re.search(r"[*;]", key) or {".", ".."} & set(key.split("/")):
        raise ValueError("a prefix is how keys begin, as it stands: without `*` or `;`, and no part is `.` or `..`")
