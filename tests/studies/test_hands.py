"""The study of lesson 08's hands, on forms and networks that are small."""

import json

import numpy as np
import pytest

from helpers import data, training
from studies import hands


def labels(rng, forms=4, rest=70):
    """Count three times, then write what comes: labels of some forms."""
    one = [
        np.r_[np.tile(np.arange(10), 3), rng.integers(0, 10, rest)]
        for _ in range(forms)
    ]
    return np.concatenate(one)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Four forms of real digits, as both files; few steps."""
    x, y = data.load("holdout", 3_000)
    rng = np.random.default_rng(0)
    wanted = labels(rng)
    rows = [rng.choice(np.flatnonzero(y == k)) for k in wanted]
    found = hands.in_order(x[rows], y[rows])
    for name, value in {
        "RECORD": tmp_path / "r.json",
        "FILE": tmp_path / "h.npz",
        "SEEDS": (0,),
        "PROBE_SEEDS": (0,),
        "PROBE_STEPS": 1,
        "PROBE_WRITERS": 2,
        "N_PAIRS": 200,
        "N_SEARCH": 3,
        "FITS": {"fit": (5, 1.0, 2, 1), "four starts": (1, 0.0, 2, 4)},
        "files": lambda: (found, found),
        "order_rows": list,
    }.items():
        monkeypatch.setattr(hands, name, value)
    monkeypatch.setattr(data, "need_full", lambda work: None)
    for cached in (hands.measured_probe, hands.network_probe):
        cached.cache_clear()
    yield found
    for cached in (hands.measured_probe, hands.network_probe):
        cached.cache_clear()


def test_forms_begin_where_the_count_begins():
    y = labels(np.random.default_rng(1))
    assert hands.starts(y) == [0, 100, 200, 300]
    assert hands.starts(np.random.default_rng(2).permutation(y)) == []


def test_all_ways_once(tiny):
    hands.main()
    text = hands.RECORD.read_text(encoding="utf-8")
    rows = json.loads(text)["runs"]
    ways = [row["way"] for row in rows if row["digit"] < 0]
    assert sorted(ways) == sorted(
        [
            *hands.FITS,
            "another hand's z",
            "fit to five writers",
            "best of 1,000 by pixels",
            "best of 1,000 by measures",
            "a random z",
            "real digits",
        ]
    )
    assert sorted(r["digit"] for r in rows if r["digit"] >= 0) == [*range(10)]
    assert all(len(row["network"]) == 4 for row in rows)
    shipped = np.load(hands.FILE)
    assert shipped["x"].shape == (4, 40, 28, 28)
    assert np.array_equal(shipped["start"], tiny.forms[:, 0])
    hands.main()  # nothing is left to do
    assert hands.RECORD.read_text(encoding="utf-8") == text


def test_nothing_given_is_asked_or_at_home(tiny):
    chosen = hands.trial(tiny, 0)
    for given, asked, real in zip(*chosen, strict=True):
        assert not set(tiny.y[given]) & set(asked)
        assert np.array_equal(tiny.y[real], asked)
        assert len(set(tiny.y[given[:5]])) == 5


def test_a_fit_comes_nearer(tiny):
    rows = tiny.forms[:, :3]
    x, y = tiny.x[rows], tiny.y[rows]
    before = hands.fit(x, y, 0.0, 1, seed=0)[1]
    after = hands.fit(x, y, 0.0, 8, seed=0)[1]
    assert (after < before).all()
    z, error = hands.fit(x, y, 0.0, 1, seed=0, restarts=3)
    assert z.shape == (4, 64)
    starts = training.sample_z(12, 64, 0, 0)
    drawn = hands.draw_rows(np.asarray(starts), np.repeat(y, 3, axis=0))
    gap = (drawn.reshape(4, 3, 3, -1) - x.reshape(4, 1, 3, -1)) ** 2
    best = gap.sum(axis=(2, 3)).min(axis=1) / 3
    assert error == pytest.approx(best, rel=1e-3)


def test_share_of_others_that_lie_further():
    homes = np.array([[0.0], [1.0], [3.0]])
    found = hands.shares(np.array([[0.1], [0.4], [3.0]]), homes)
    assert found.tolist() == [1.0, 0.5, 1.0]
