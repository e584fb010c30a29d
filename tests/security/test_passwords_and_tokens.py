"""What is kept of secrets, and what a seal is good for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import examples
from saddlebag.security.passwords import PASSWORD_LENGTH, SALT_BYTES, check_password, hash_password
from saddlebag.security.tokens import open_seal, same_token, seal, token_hash

SALT = bytes(range(SALT_BYTES))


def test_a_password_fits_its_own_hash_only() -> None:
    stored = hash_password("correct horse", SALT)
    assert check_password("correct horse", stored)
    assert not check_password("correct horse ", stored)
    assert not check_password("", stored)


def test_the_stored_form_tells_its_parameters_and_not_the_password() -> None:
    stored = hash_password("correct horse", SALT)
    assert stored.startswith("scrypt$14$8$1$")
    assert "horse" not in stored
    assert stored != hash_password("correct horse", bytes(SALT_BYTES))


@pytest.mark.parametrize("stored", [None, "", "plain", "scrypt$14$8$1$x$y", "scrypt$40$8$1$AAAA$AAAA", "md5$1$1$1$$"])
def test_nothing_fits_what_is_no_hash(stored: str | None) -> None:
    assert not check_password("", stored)
    assert not check_password("anything", stored)


def test_odd_passwords_are_wrong_and_no_crash() -> None:
    stored = hash_password("x" * PASSWORD_LENGTH, SALT)
    assert not check_password("x" * (PASSWORD_LENGTH + 1), stored)
    assert not check_password("\ud800", stored)
    with pytest.raises(ValueError, match="characters"):
        hash_password("", SALT)
    with pytest.raises(ValueError, match="salt"):
        hash_password("x", b"short")


def test_a_token_is_known_by_its_hash() -> None:
    assert same_token("secret", token_hash("secret"))
    assert not same_token("secreT", token_hash("secret"))


@settings(max_examples=examples(50))
@given(st.binary(max_size=64), st.binary(min_size=1, max_size=32))
def test_a_sealed_text_opens_under_its_secret_and_purpose_only(content: bytes, secret: bytes) -> None:
    text = seal(secret, "search", content)
    assert open_seal(secret, "search", text) == content
    assert open_seal(secret, "other", text) is None
    assert open_seal(secret + b"x", "search", text) is None


@given(st.text(max_size=80))
def test_any_other_text_opens_nothing(text: str) -> None:
    assert open_seal(b"secret", "search", text) is None


def test_a_seal_notices_every_changed_character() -> None:
    text = seal(b"secret", "search", b"content")
    for place in range(len(text)):
        other = "A" if text[place] != "A" else "B"
        altered = text[:place] + other + text[place + 1 :]
        opened = open_seal(b"secret", "search", altered)
        # The last character of base64 may carry bits that mean nothing.
        assert opened is None or (place == len(text) - 1 and opened == b"content")
