"""The leaderboard is what the cards say; the map, and the forced choice."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import checkpoints
from helpers.lessons import evaluation, scoring
from tools import leaderboard

JUDGES = ("digit_classifier", "second_judge")


def test_readme_shows_what_the_cards_say():
    text = leaderboard.README.read_text(encoding="utf-8")
    block = leaderboard.BEGIN + leaderboard.render() + leaderboard.END
    assert block in text, "run: python -m tools.leaderboard"


def test_every_generator_has_its_row():
    table = evaluation.leaderboard()
    generators = [
        name
        for name in checkpoints.available()
        if name not in (*JUDGES, "dcgan_discriminator")
    ]
    assert set(table.index) == {"real digits", *generators}
    assert table.index[0] == "real digits"
    fcds = [float(text.split()[0]) for text in table["fcd"]]
    assert fcds == sorted(fcds)
    assert table.loc["vae10", "seconds"] == 681


def test_every_card_names_the_protocol():
    for name in checkpoints.available():
        protocol = checkpoints.card(name)["protocol"]
        assert protocol.startswith(f"{scoring.PROTOCOL.stem}: "), name


def test_a_card_with_a_strange_interval_is_refused(monkeypatch):
    card = checkpoints.card("digit_classifier")
    card["metrics"][evaluation.REAL]["kid"]["low"] = 99
    monkeypatch.setattr(checkpoints, "card", lambda name: card)
    with pytest.raises(checkpoints.CheckpointError, match=r"expected kid.*99"):
        evaluation.leaderboard()


def test_the_half_of_an_interval_that_was_cut_is_the_other_half():
    recall = {"estimate": 0.02, "low": 0.0, "high": 0.07}
    kid = {"estimate": 0.02, "low": -0.05, "high": 0.09}
    assert evaluation._cell("x", "recall", recall) == "0.020 ± 0.050"
    assert evaluation._cell("x", "kid", kid) == "0.020 ± 0.070"


def test_only_the_block_changes(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(
        f"a\n{leaderboard.BEGIN}old\n{leaderboard.END}z\n", encoding="utf-8"
    )
    leaderboard.write(path)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"a\n{leaderboard.BEGIN}| ")
    assert text.endswith(f"|\n{leaderboard.END}z\n") and "old" not in text
    leaderboard.write(path)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        leaderboard.BEGIN,
        leaderboard.END + leaderboard.BEGIN,
        2 * (leaderboard.BEGIN + leaderboard.END),
    ],
)
def test_without_marks_nothing_is_written(tmp_path, text):
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="once each"):
        leaderboard.write(path)
    assert path.read_text(encoding="utf-8") == text


def test_heat_map_writes_every_number():
    table = pd.DataFrame([[1.2, -3.0], [-0.1, 20.0]], ["a", "b"], ["p", "q"])
    fig = evaluation.heat_map("title", table, 5, "unit")
    ax = fig.axes[0]
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["+1", "-3", "0", "+20"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["p", "q"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    plt.close(fig)
    with pytest.raises(ValueError, match="finite"):
        evaluation.heat_map("title", table.replace(20, np.nan), 5, "unit")
    with pytest.raises(ValueError, match="limit is 0"):
        evaluation.heat_map("title", table, 0, "unit")


@pytest.fixture
def choice():
    real = np.full((40, 28, 28, 1), 0.5, np.float32)
    return evaluation.ForcedChoice(real, -real, seed=1)


def test_forced_choice_knows_where_the_real_image_is(choice):
    assert choice.pairs.shape == (40, 2, 28, 28, 1)
    assert 8 < choice.real_side.sum() < 32
    for k in range(40):
        side = choice.real_side[k]
        assert (choice.pairs[k, side] == 0.5).all()
        assert (choice.pairs[k, 1 - side] == -0.5).all()
        assert choice.n_correct == k
        choice.answer(side)
    choice.answer(0)  # after the last pair
    assert (len(choice.answers), choice.n_correct) == (40, 40)


def test_forced_choice_counts_wrong_answers(choice):
    for side in choice.real_side[:10]:
        choice.answer(1 - side)
    assert (len(choice.answers), choice.n_correct) == (10, 0)


def test_forced_choice_refuses(choice):
    with pytest.raises(ValueError, match="side is 2"):
        choice.answer(2)
    x = np.zeros((3, 28, 28, 1), np.float32)
    for real, fake in ((x, x[:2]), (x[:0], x[:0])):
        with pytest.raises(ValueError, match="as many of both"):
            evaluation.ForcedChoice(real, fake, seed=0)


def test_clicks_answer(choice):
    picture, buttons, told = choice.widget().children
    first = bytes(picture.value)
    assert first.startswith(b"\x89PNG") and told.value == "0 of 40 answered"
    for k, side in enumerate(choice.real_side):
        assert told.value == f"{k} of 40 answered"
        buttons.children[side].click()
        if k == 0:
            different = choice.real_side[1] != side
            assert (bytes(picture.value) != first) == different
    buttons.children[0].click()
    assert told.value == "40 of 40 answered, 40 right"
    assert choice.n_correct == 40
