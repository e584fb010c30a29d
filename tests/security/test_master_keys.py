"""Master keys: what was sealed opens with its own context and a key of the file, and with nothing else."""

from __future__ import annotations

import pytest

from saddlebag.kernel.errors import MASTER_KEY, SaddlebagError
from saddlebag.security.masterkeys import NONCE_BYTES, MasterKeys

OLD, NEW, NONCE = b"o" * 32, b"n" * 32, b"1" * NONCE_BYTES
SECRET, CONTEXT = b"a secret of some length", "wrapping-key/acme/d1"


def refused(keys: MasterKeys, sealed: bytes, context: str = CONTEXT) -> bool:
    """Whether nothing opens it."""
    with pytest.raises(SaddlebagError) as caught:
        keys.open(sealed, context)
    return caught.value.kind is MASTER_KEY and SECRET.decode() not in str(caught.value)


def test_what_was_sealed_opens_and_shows_nothing() -> None:
    sealed = MasterKeys([NEW]).seal(SECRET, CONTEXT, NONCE)
    assert SECRET not in sealed
    assert NEW not in sealed
    assert MasterKeys([NEW]).open(sealed, CONTEXT) == SECRET


def test_another_row_another_key_and_an_altered_byte_do_not_open() -> None:
    keys = MasterKeys([NEW])
    sealed = keys.seal(SECRET, CONTEXT, NONCE)
    assert refused(keys, sealed, "wrapping-key/acme/d2")
    assert refused(MasterKeys([OLD]), sealed)
    assert all(refused(keys, sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :]) for n in range(len(sealed)))
    assert all(refused(keys, sealed[:n]) for n in range(len(sealed)))


def test_an_older_key_opens_until_it_is_forgotten() -> None:
    sealed = MasterKeys([OLD]).seal(SECRET, CONTEXT, NONCE)
    rotated = MasterKeys([OLD]).rotated(NEW)
    assert rotated.open(sealed, CONTEXT) == SECRET
    assert not rotated.current(sealed)
    assert rotated.current(rotated.seal(SECRET, CONTEXT, NONCE))
    assert refused(rotated.newest(1), sealed)


def test_a_key_file_is_read_as_it_was_written() -> None:
    rotated = MasterKeys([OLD]).rotated(NEW)
    again = MasterKeys.read(rotated.write())
    assert again.write() == rotated.write()
    assert again.current(rotated.seal(SECRET, CONTEXT, NONCE))


@pytest.mark.parametrize("text", ["", "# nothing\n", "no base64!\n", "c2hvcnQ=\n"])
def test_a_file_without_a_key_is_refused(text: str) -> None:
    with pytest.raises(SaddlebagError) as caught:
        MasterKeys.read(text)
    assert caught.value.kind is MASTER_KEY
