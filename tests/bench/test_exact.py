"""A device that holds too little, too much or something else is told from one that is right."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from bench.exact import WrongAnswer, check_keys, check_laptop
from bench.plain import Key, Texts

WANTED: dict[Key, Texts] = {
    ("Contact", "K1"): {"id": "K1", "customer": "C1", "lastName": "Olsen & Co", "primary": "true"},
    ("DealLine", "L1"): {"id": "L1", "deal": "D1", "customer": "C1", "product": "P1", "quantity": "12.50"},
}
ROWS = {
    ("Contact", "K1"): "<id>K1</id><customer>C1</customer><lastName>Olsen &amp; Co</lastName><primary>true</primary>",
    (
        "DealLine",
        "L1",
    ): "<id>L1</id><deal>D1</deal><customer>C1</customer><product>P1</product><quantity>12.5</quantity>",
}
Laptop = Callable[[dict[Key, str]], Path]


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    def make(rows: dict[Key, str]) -> Path:
        link = sqlite3.connect(tmp_path / "laptop.sqlite")
        link.execute("CREATE TABLE rows (entity, id, version, fragment)")
        link.executemany("INSERT INTO rows VALUES (?, ?, 1, ?)", [(*key, text) for key, text in rows.items()])
        link.commit()
        return tmp_path / "laptop.sqlite"

    return make


def test_what_is_right_passes_however_its_numbers_are_written(laptop: Laptop) -> None:
    assert check_laptop("it", laptop(ROWS), WANTED) is None


def test_a_record_too_few_is_refused(laptop: Laptop) -> None:
    with pytest.raises(WrongAnswer, match=r"1 records missing .*'L1'.*, 0 left over"):
        check_laptop("it", laptop({key: text for key, text in ROWS.items() if key[0] == "Contact"}), WANTED)


def test_a_record_too_many_is_refused() -> None:
    with pytest.raises(WrongAnswer, match=r"0 records missing .*, 1 left over .*'X'"):
        check_keys("it", {*WANTED, ("Deal", "X")}, WANTED)


def test_another_value_is_refused(laptop: Laptop) -> None:
    wrong = {**ROWS, ("Contact", "K1"): ROWS["Contact", "K1"].replace("Olsen", "Olson")}
    with pytest.raises(WrongAnswer, match=r"Contact K1 is .*Olson"):
        check_laptop("it", laptop(wrong), WANTED)
