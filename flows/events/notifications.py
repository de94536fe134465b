"""What a bucket says when an object was uploaded -> the objects to read (pure).

Understood: S3's own shape (AWS, MinIO, Ceph), the same inside SNS and EventBridge envelopes, SeaweedFS's
webhook, and plain `{"uri": "s3://bucket/key"}`. Deletions, folders, parts of an upload under way and
`s3:TestEvent` name nothing to read. Order and repetition do not matter: an arrival only says "look there".

Sources: Amazon S3 user guide, "Event message structure" and "Using EventBridge"; MinIO and Ceph follow
the first; SeaweedFS's shape was recorded from `weed mini` 4.48.
"""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

from extractors.errors import BadNotification
from flows.prefixes import BUCKET
from flows.storage.s3 import s3_uri, split_s3_uri
from flows.store.inbox import Arrival

_BUCKETS = "/buckets/"
"""Where SeaweedFS keeps its buckets."""

_LONGEST = 1024
"""Bytes of a key at most: S3's own limit."""

_DEEPEST = 3
"""Envelopes in each other: a body inside SNS inside EventBridge."""


def arrivals_in(body: str | bytes, depth: int = 0) -> list[Arrival]:
    """The uploads that a notification tells of; none for what tells of something else.

    Raises:
        BadNotification: it is none of the shapes above.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise BadNotification("the body is not JSON") from None
    if not isinstance(said, dict):
        raise BadNotification("the body is no JSON object")
    try:
        return _read(said, depth)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadNotification(f"the notification lacks or garbles {error}") from None


class OutsidePrefixes(BadNotification):
    """It tells of uploads, and none of them may be announced here."""


def let_in(arrived: Sequence[Arrival], prefixes: Sequence[str]) -> tuple[list[Arrival], list[Arrival]]:
    """What lies under one of the prefixes, and what does not.

    Args:
        arrived: what was announced. Of one with two readings of its key, those that lie there count.
        prefixes: `s3://bucket` (all of it) or `s3://bucket/prefix` (each key that begins so); none: all is let in.

    Raises:
        OutsidePrefixes: nothing of it does.
    """
    begins = tuple(each if "/" in each.removeprefix("s3://") else f"{each}/" for each in prefixes)
    inside, outside = [], []
    for each in arrived:
        readings = [uri for uri in (each.uri, each.otherwise) if uri and (not begins or uri.startswith(begins))]
        if readings:
            inside.append(Arrival(*readings))
        else:
            outside.append(each)
    if outside and not inside:
        raise OutsidePrefixes(f"outside OCTAVO_LISTEN_PREFIXES: {outside[0].uri}")
    return inside, outside


def _arrival(bucket: object, key: object, sent: object = None) -> Arrival:
    """An object, its names held to what a server could have; `sent` is the key as it came, its other reading."""
    if not isinstance(bucket, str) or not BUCKET.fullmatch(bucket):
        raise BadNotification("it names no bucket that can be")
    if not isinstance(key, str) or not 0 < _bytes(key) <= _LONGEST:
        raise BadNotification(f"{bucket}: it names no key that can be")
    other = isinstance(sent, str) and sent != key and _bytes(sent) <= _LONGEST
    return Arrival(s3_uri(bucket, key), s3_uri(bucket, str(sent)) if other else None)


def _bytes(key: str) -> int:
    """Its length on the wire; 0 for half of a pair of surrogates, or a NUL, which no key has."""
    try:
        return 0 if "\0" in key else len(key.encode())
    except UnicodeEncodeError:
        return 0


def _read(said: dict[str, Any], depth: int) -> list[Arrival]:
    if "uri" in said:
        return [_plain(said["uri"])]
    if "Records" in said:
        return [arrival for record in said["Records"] if (arrival := _from_record(record))]
    if said.get("Event") == "s3:TestEvent":
        return []
    if said.get("Type") == "Notification" and depth < _DEEPEST:
        return arrivals_in(said["Message"], depth + 1)
    if said.get("source") == "aws.s3":
        return _from_eventbridge(said)
    if "event_type" in said and "message" in said:
        return _from_seaweed(said)
    raise BadNotification('neither an S3 notification nor {"uri": "s3://bucket/key"}')


def _plain(uri: object) -> Arrival:
    if not isinstance(uri, str) or not uri.startswith("s3://") or not all(split_s3_uri(uri)):
        raise BadNotification("uri must be s3://bucket/key")
    return _arrival(*split_s3_uri(uri))


def _from_record(record: dict[str, Any]) -> Arrival | None:
    if "ObjectCreated" not in record["eventName"]:
        return None
    bucket, sent = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
    key = unquote_plus(sent)
    if key.endswith("/"):
        return None
    return _arrival(bucket, key, sent)


def _from_eventbridge(said: dict[str, Any]) -> list[Arrival]:
    """Keys are not encoded there."""
    key = said["detail"]["object"]["key"]
    if said["detail-type"] != "Object Created" or key.endswith("/"):
        return []
    return [_arrival(said["detail"]["bucket"]["name"], key)]


def _from_seaweed(said: dict[str, Any]) -> list[Arrival]:
    entry = said["message"].get("new_entry")
    if not entry or entry.get("is_directory"):
        return []
    folder = said["message"].get("new_parent_path") or said["key"].rpartition("/")[0]
    bucket, _, key = f"{folder}/{entry['name']}".removeprefix(_BUCKETS).partition("/")
    inside = folder.startswith(_BUCKETS) and not key.startswith(".uploads/")
    return [_arrival(bucket, key)] if inside else []
