"""Every shape in which a bucket announces an upload."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.errors import BadNotification
from flows.events.notifications import arrivals_in
from flows.store.inbox import Arrival

S3 = {
    "Records": [
        {
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "docs"}, "object": {"key": "in/M%C3%A4rz+%26+Co.pdf", "size": 9}},
        }
    ]
}
MARCH = Arrival("s3://docs/in/März & Co.pdf", "s3://docs/in/M%C3%A4rz+%26+Co.pdf")


def read(said: object) -> list[Arrival]:
    """What a JSON body announces."""
    return arrivals_in(json.dumps(said))


def seaweed(kind: str, **message: object) -> dict[str, object]:
    """SeaweedFS's webhook, as version 4.48 sent it."""
    return {"event_type": kind, "key": "/buckets/docs/in/a.pdf", "message": message}


def test_keys_are_decoded_and_kept_as_sent() -> None:
    """AWS and MinIO encode keys, Ceph does not: both readings are kept where they differ."""
    assert read(S3) == [MARCH]
    ceph = {
        "Records": [{"eventName": "s3:ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "a+b"}}}]
    }
    assert read(ceph) == [Arrival("s3://b/a b", "s3://b/a+b")]
    minio = {"EventName": "s3:ObjectCreated:Put", "Key": "docs/in/M%C3%A4rz+%26+Co.pdf", **S3}
    assert read(minio) == [MARCH]


def test_envelopes_are_opened() -> None:
    """SNS holds the body as text; EventBridge has a shape and unencoded keys of its own."""
    assert read({"Type": "Notification", "Message": json.dumps(S3)}) == [MARCH]
    bridge = {
        "source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": "docs"}, "object": {"key": "a+b%20.pdf"}},
    }  # fmt: skip
    assert read(bridge) == [Arrival("s3://docs/a+b%20.pdf")]
    assert read({"Type": "Notification", "Message": json.dumps(bridge)}) == [Arrival("s3://docs/a+b%20.pdf")]


def test_seaweed_tells_folders_parts_renames_and_deletions() -> None:
    """A file's new place counts; folders, parts of an upload and deletions name nothing to read."""
    file = {"name": "a.pdf"}
    assert read(seaweed("create", new_entry=file, new_parent_path="/buckets/docs/in")) == [
        Arrival("s3://docs/in/a.pdf")
    ]
    moved = seaweed("rename", old_entry=file, new_entry={"name": "b.pdf"}, new_parent_path="/buckets/docs/out")
    assert read(moved) == [Arrival("s3://docs/out/b.pdf")]
    assert read(seaweed("update", new_entry=file)) == [Arrival("s3://docs/in/a.pdf")]
    assert read(seaweed("delete", old_entry=file)) == []
    assert (
        read(seaweed("create", new_entry={"name": "x", "is_directory": True}, new_parent_path="/buckets/docs")) == []
    )
    part = seaweed("create", new_entry={"name": "1.part"}, new_parent_path="/buckets/docs/.uploads/77")
    assert read(part) == []


def test_what_is_no_upload_names_nothing() -> None:
    """Test events, deletions and folder markers are understood and pass."""
    assert read({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "docs"}) == []
    gone = {"Records": [{**S3["Records"][0], "eventName": "ObjectRemoved:Delete"}]}
    assert read(gone) == []
    folder = {
        "Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "in/"}}}]
    }
    assert read(folder) == []


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "{", '{"uri": 1}', '{"uri": "/etc/passwd"}', '{"uri": "s3://bucket"}', '{"Records": [{}]}',
     '{"Records": 1}', '{"hello": "world"}', '{"Type": "Notification", "Message": "x"}',
     '{"Type": "SubscriptionConfirmation", "Message": "x"}', '{"source": "aws.s3"}', "[" * 100_000],
)  # fmt: skip
def test_what_means_nothing_is_refused(body: str) -> None:
    """One error, whatever is wrong; a local path is never taken from outside."""
    with pytest.raises(BadNotification):
        arrivals_in(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["uri", "Records", "eventName", "s3", "bucket", "object", "key", "name", "Type", "Message",
                         "source", "detail", "event_type", "message", "new_entry", "new_parent_path"]), inner),
)  # fmt: skip


@given(JSON)
def test_no_body_breaks_the_reader(said: object) -> None:
    """Hostile JSON is read or refused, and never raises anything else."""
    try:
        found = read(said)
    except BadNotification:
        return
    assert all(arrival.uri.startswith("s3://") for arrival in found)
