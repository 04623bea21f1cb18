"""The second judge: what is damaged, and how the page is written."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers import data, runtime
from studies import judges


def test_each_set_is_damaged_in_its_way():
    x, y = data.load("holdout")
    sets = judges.damaged(x, y)
    n = judges.N_DAMAGED
    assert {len(images) for images in sets.values()} == {n}
    for name, images in sets.items():
        assert data.check_images(images, name).shape[1:] == (28, 28, 1)
    fresh = sets["fresh"]
    assert np.array_equal(fresh, x[n : 2 * n])
    assert len(np.unique(sets["100 digits"], axis=0)) == 100
    assert np.abs(sets["copies"] - x[:n]).mean() < 0.1
    assert np.array_equal(sets["brick"][n // 10 :], fresh[n // 10 :])


def test_turned_pairs_are_named():
    first = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0})
    second = pd.Series({"a": 1.0, "b": 9.0, "c": 3.0})
    assert judges.turned(first, second) == ["b and c"]
    assert judges.turned(first, first) == []


def test_the_page_is_what_the_record_says():
    if not judges.RESULTS.exists():
        pytest.skip("nothing is measured yet")
    record = json.loads(judges.RESULTS.read_text(encoding="utf-8"))
    assert judges.REPORT.read_text(encoding="utf-8") == judges.report(record)
    for kind in ("judges", "generators"):
        for name, digest in record[kind].items():
            path = runtime.ROOT / "data" / "checkpoints" / f"{name}.json"
            card = json.loads(path.read_text(encoding="utf-8"))
            assert card["sha256"] == digest, name
