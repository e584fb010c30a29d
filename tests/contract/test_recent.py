"""The bounded memory: what was used longest ago goes first."""

from __future__ import annotations

from saddlebag.contract.recent import Recent


def test_a_value_is_built_once() -> None:
    recent: Recent[str, list[int]] = Recent(2)
    first = recent.get("a", lambda: [1])
    assert recent.get("a", lambda: [2]) is first


def test_the_value_used_longest_ago_goes() -> None:
    recent: Recent[str, int] = Recent(2)
    for key in ("a", "b", "a", "c"):
        recent.get(key, lambda: 1)
    assert (recent.get("a", lambda: 2), recent.get("b", lambda: 2), len(recent)) == (1, 2, 2)
