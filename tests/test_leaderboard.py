"""The README's leaderboard is what the cards say."""

import pytest

from helpers import checkpoints, scoring
from helpers.lessons import evaluation
from tools import leaderboard


def test_readme_shows_what_the_cards_say():
    text = leaderboard.README.read_text(encoding="utf-8")
    block = leaderboard.BEGIN + leaderboard.render() + leaderboard.END
    assert block in text, "run: python -m tools.leaderboard"


def test_every_generator_has_its_row():
    table = evaluation.leaderboard()
    generators = [
        name
        for name in checkpoints.available()
        if name not in ("digit_classifier", "dcgan_discriminator")
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
    row = evaluation._row("x", {"recall": recall, "kid": kid})
    assert (row["recall"], row["kid"]) == ("0.020 ± 0.050", "0.020 ± 0.070")


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
