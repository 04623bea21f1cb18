"""The leaderboard is what the cards say; the map, and the forced choice."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from helpers import checkpoints, data
from helpers.lessons import evaluation, scoring
from helpers.lessons import evaluation_figures as figures
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
        and checkpoints.card(name)["builder"]
        not in ("translation.build_unet", "style.build_features")
    ]
    assert set(table.index) == {"real digits", *generators}
    assert table.index[0] == "real digits"
    fcds = [float(text.split()[0]) for text in table["fcd"]]
    assert fcds[1:] == sorted(fcds[1:])  # below the row of real digits
    assert table.loc["vae10", "seconds"] == 681


def test_every_card_names_the_protocol():
    without_fcd = {
        "photo_inpainting",
        "digit_segmentation",
        "style_features",
    }
    for name in set(checkpoints.available()) - without_fcd:
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


def test_the_map_writes_values_and_marks_alarms():
    values = pd.DataFrame([[1.2, -3.0], [0.1, 20.0]], ["a", "b"], ["p", "q"])
    alarms = pd.DataFrame([[0.5, 5.0], [-7.0, 80.0]], ["a", "b"], ["p", "q"])
    real = pd.Series([1, 2], ["p", "q"])
    fig = figures.fault_map("title", values, alarms, real)
    ax = fig.axes[0]
    texts = [text.get_text() for text in ax.texts]
    assert texts == [
        *("1.00", "2.0"),
        *("1.20", "-3.0  worse"),
        *("0.10  better", "20.0  worse"),
    ]
    rows = [t.get_text() for t in ax.get_yticklabels()]
    assert rows == ["real digits", "a", "b"]
    plt.close(fig)
    with pytest.raises(ValueError, match="finite"):
        figures.fault_map("t", values.replace(20, np.nan), alarms, real)


def test_colours_of_the_map_tell_a_loud_alarm_from_a_shrill_one():
    alarms = pd.DataFrame([[0, 11.0, 80.0, -11.0]])
    fig = figures.fault_map("t", alarms, alarms, pd.Series(np.zeros(4)))
    field = fig.axes[0].images[0]
    none, some, loud, praise = field.cmap(field.norm(alarms.to_numpy()))[0]
    assert np.allclose(none[:3], 1, atol=0.02)
    assert np.abs(some - loud).max() > 0.15
    assert praise[2] > praise[0] and some[0] > some[2]
    plt.close(fig)


def test_farther_is_no_praise_on_the_map():
    table = pd.DataFrame({"FCD": [-9.0, 9.0], "closer": [-9.0, 9.0]})
    fig = figures.fault_map(
        "t", table, table, pd.Series([0, 0], table.columns)
    )
    field = fig.axes[0].images[0]
    hidden = np.ma.getmaskarray(field.get_array())
    assert hidden.tolist() == [[False] * 2, [False, True], [False] * 2]
    red, green, blue, _ = field.cmap.get_bad()
    assert red == green == blue
    assert "-9.00  farther" in {t.get_text() for t in fig.axes[0].texts}
    plt.close(fig)


def test_balls_reach_to_a_neighbour():
    line = np.array([[0.0, 0], [1, 0], [3, 0]])
    fig, ax = plt.subplots()
    assert figures.draw_balls(ax, line, 1, "k").tolist() == [1, 1, 2]
    assert len(ax.patches) == 6
    plt.close(fig)


def test_shares_have_three_digits_and_quiet_cells_no_colour():
    values = pd.DataFrame([[0.5, 1.9], [0.75, 9.876]])
    alarms = pd.DataFrame([[-1.9, 0.0], [2.1, -2.1]])
    fig = figures.fault_map("t", values, alarms, pd.Series([0.9, 2.0]))
    ax = fig.axes[0]
    texts = [text.get_text() for text in ax.texts]
    assert texts == [
        *("0.900", "2.00"),
        *("0.500", "1.90"),
        *("0.750  worse", "9.88  better"),
    ]
    assert np.asarray(ax.images[0].get_array()).tolist() == [
        [0, 0],
        [0, 0],
        [2.1, -2.1],
    ]
    plt.close(fig)


def test_labels_of_the_plane_keep_apart():
    table = pd.DataFrame([[0.9, 0.9], [0.86, 0.9], [0.86, 0.0], [0.85, 0.88]])
    table.index, table.columns = ["real", "A", "B", "C"], ["up", "level"]
    fig = figures.plane("t", table)
    ax = fig.axes[0]
    fig.canvas.draw()
    # without the lines from labels to points
    boxes = [Text.get_window_extent(text) for text in ax.texts]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
    assert {t.get_text() for t in ax.texts} > {"A: U 0.86, L 0.90"}
    plt.close(fig)


def test_rings_and_interval_stand_at_their_values():
    fig = figures.dots("t", {"a": (np.array([30.0, 40]), 3.0)})
    ax = fig.axes[0]
    assert ax.lines[0].get_xdata().tolist() == [30, 40]
    (bar,) = ax.collections[0].get_segments()
    assert bar[:, 0].tolist() == [32, 38]
    plt.close(fig)


def test_lines_of_the_bias_reach_zero():
    sizes = (100, 200)
    fig = figures.bias("t", sizes, {"a": {"real": [3.0, 2.0]}})
    x, y = fig.axes[0].lines[0].get_data()
    assert (x[0], y[0]) == (0, pytest.approx(1))
    plt.close(fig)


def test_each_set_is_damaged_in_its_way():
    x, y = data.load("holdout")
    sets = evaluation.damaged(x, y, 200, 0)
    assert {v.shape for v in sets.values()} == {(200, 28, 28, 1)}
    assert (sets["fresh"] == x[200:400]).all()
    assert len(np.unique(sets["100 digits"], axis=0)) == 100
    assert 0 < np.abs(sets["copies"] - x[:200]).mean() < 0.1
    assert (sets["brick"][20:] == x[220:400]).all()


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
    picture, buttons, _, status = choice.widget().children
    first = bytes(picture.value)
    assert first.startswith(b"\x89PNG")
    assert status.value == '<p role="status">0 of 40 answered</p>'
    for k, side in enumerate(choice.real_side):
        assert f">{k} of 40 answered<" in status.value
        buttons.children[side].click()
        if k == 0:
            different = choice.real_side[1] != side
            assert (bytes(picture.value) != first) == different
    buttons.children[0].click()
    assert ">40 of 40 answered, 40 right<" in status.value
    assert choice.n_correct == 40
    buttons.children[2].click()
    assert ">39 of 40 answered<" in status.value


def test_keys_answer(choice):
    _, _, keys, status = choice.widget().children
    for typed in ("l", "lR", "lRx", "lRxu", "lRxul", "lRxu", "lRxuu"):
        keys.value = typed
    assert choice.answers == [0]  # two answers and another, two undone
    assert ">1 of 40 answered<" in status.value
    keys.value = "lRxuuuuu"
    assert choice.answers == []
