"""Locks a PDF with a password, always to the same bytes: MuPDF can encrypt, but draws a random id for each file.

The standard security handler, revision 3, RC4 with 128 bits (ISO 32000-1, section 7.6.3, algorithms 1
to 5). It is long broken and keeps no secret; it is what many locked documents of real life have.
"""

import hashlib

import pymupdf

_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_PERMISSIONS = -4
_ID = hashlib.md5(b"Octavo sample", usedforsecurity=False).digest()


def lock(pdf: bytes, password: str) -> bytes:
    """The same document, which opens with the password only.

    Args:
        pdf: a document whose objects hold no text strings outside their streams: base-14 fonts, no metadata.
        password: of user and owner alike; Latin letters.
    """
    padded = (password.encode("ascii") + _PADDING)[:32]
    owner = _rc4_often(_hash_often(padded), padded)
    permissions = _PERMISSIONS.to_bytes(4, "little", signed=True)
    key = _hash_often(padded + owner + permissions + _ID)
    user = _rc4_often(key, _md5(_PADDING + _ID)) + bytes(16)
    return _write(pdf, key, owner, user)


def _write(pdf: bytes, key: bytes, owner: bytes, user: bytes) -> bytes:
    """A plain file: every object in order, streams encrypted, then the table of where they are."""
    made = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    with pymupdf.open(stream=pdf, filetype="pdf") as opened:
        root = opened.pdf_catalog()
        for number in range(1, opened.xref_length()):
            places.append(len(made))
            made += b"%d 0 obj\n%s" % (number, opened.xref_object(number, compressed=True).encode())
            if opened.xref_is_stream(number):
                content = _rc4(_object_key(key, number), opened.xref_stream_raw(number))
                made += b"\nstream\n%s\nendstream" % content
            made += b"\nendobj\n"
    table = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer\n<</Size %d/Root %d 0 R/ID[<%s><%s>]" % (len(places) + 1, root, *[_ID.hex().encode()] * 2)
    made += b"/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P %d/O<%s>/U<%s>>>>>\nstartxref\n%d\n%%%%EOF\n" % (
        _PERMISSIONS, owner.hex().encode(), user.hex().encode(), table,
    )  # fmt: skip
    return bytes(made)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _hash_often(data: bytes) -> bytes:
    for _ in range(51):
        data = _md5(data)
    return data


def _object_key(key: bytes, number: int) -> bytes:
    return _md5(key + number.to_bytes(3, "little") + bytes(2))


def _rc4_often(key: bytes, data: bytes) -> bytes:
    for number in range(20):
        data = _rc4(bytes(byte ^ number for byte in key), data)
    return data


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    made, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        made.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(made)
