"""A record keeps each finished row, in order, and goes on from there."""

import json

import pytest

from studies.record import Record

ABOUT = {"command": "x", "protocol": "p"}


def test_rows_are_kept_in_order_and_found_again(tmp_path):
    path = tmp_path / "new" / "record.json"
    record = Record(path, ABOUT, ("model", "seed"), ["b", "a"])
    for model, seed in (("a", 1), ("old", 0), ("b", 2), ("b", 1)):
        record.add({"model": model, "seed": seed, "fcd": 0.5})
    again = Record(path, ABOUT, ("model", "seed"), ["b", "a"])
    assert [again.key(row) for row in again.rows] == [
        ("b", 1),
        ("b", 2),
        ("a", 1),
        ("old", 0),  # no longer listed
    ]
    assert ("a", 1) in again and ("a", 2) not in again
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.pop("runs") == again.rows and content == ABOUT
    assert [p.name for p in path.parent.iterdir()] == ["record.json"]


@pytest.mark.parametrize("about", [{}, ABOUT])
def test_an_empty_record_is_whole(tmp_path, about):
    record = Record(tmp_path / "r.json", about, ("model",))
    record.write()
    assert Record(tmp_path / "r.json", about, ("model",)).rows == []


def test_rows_of_another_protocol_are_not_gone_on_with(tmp_path):
    path = tmp_path / "r.json"
    Record(path, ABOUT, ("model",)).add({"model": "a"})
    with pytest.raises(ValueError, match="another protocol"):
        Record(path, ABOUT | {"protocol": "q"}, ("model",))
    Record(path, ABOUT | {"machine": "another"}, ("model",))
