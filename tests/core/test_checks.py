"""Claims, expected errors, and verdicts."""

import subprocess
import sys

import numpy as np
import pytest

from helpers import checks
from helpers.checks import check, exercise, raises


def test_a_claim_that_holds_prints_value_and_bounds(capsys):
    check("share of ones", 0.123456, 0, 1)
    check("weights moved", 6, 6, 6)
    check("all finite", np.True_, 1, 1)
    assert capsys.readouterr().out.splitlines() == [
        "ok  share of ones: 0.1235 (0 to 1)",
        "ok  weights moved: exactly 6",
        "ok  all finite: exactly 1",
    ]


@pytest.mark.parametrize("value", [-0.001, 1.001, np.nan, np.inf, -np.inf])
def test_a_claim_that_fails_names_value_and_bounds(value):
    with pytest.raises(AssertionError, match=r"share: .* outside \[0, 1\]"):
        check("share", value, 0, 1)


def test_an_expected_error_prints_one_constant_line(capsys):
    with raises("a bad number is refused", ValueError, "invalid"):
        int("x")
    expected = "ok  a bad number is refused: ValueError, as expected\n"
    assert capsys.readouterr().out == expected


def test_no_error_fails_the_claim():
    with (
        pytest.raises(AssertionError, match="no ValueError was raised"),
        raises("claim", ValueError),
    ):
        pass


def test_another_message_fails_the_claim():
    with (
        pytest.raises(AssertionError, match="does not contain 'total size'"),
        raises("claim", ValueError, "total size"),
    ):
        raise ValueError("something else")


def test_another_error_passes_through():
    with pytest.raises(KeyError), raises("claim", ValueError):
        raise KeyError("a")


def is_even(answer):
    assert answer % 2 == 0, "the number is even"


def test_without_asserts_nothing_is_judged():
    code = (
        "import runpy, sys\n"
        "checker = runpy.run_path(sys.argv[1])['exercise'](lambda _: None)\n"
        "checker(...)\nchecker(3)"
    )
    said = subprocess.check_output(
        [sys.executable, "-O", "-c", code, checks.__file__], encoding="utf-8"
    ).splitlines()
    assert said[0] == "not attempted"
    assert said[1].startswith("not judged: Python runs with -O")
    assert "Unset it and restart" in said[1] and len(said) == 2


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (..., "not attempted"),
        (2, "PASS"),
        (3, "not yet: the number is even"),
        (None, "not yet: it stops with TypeError"),
    ],
)
def test_a_checker_gives_a_verdict_and_never_raises(answer, verdict, capsys):
    exercise(is_even)(answer)
    assert capsys.readouterr().out.startswith(verdict)
