"""`check` and `raises` prove claims; `exercise` turns a test into a checker.

Each prints one line. The value that `check` prints differs from machine to
machine; tests/nbval_sanitize.cfg hides it where stored outputs are compared.
"""

import contextlib
import functools
import json
import math
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path


def _recorded(claim: str, *numbers: float) -> bool:
    """Write a check down while tools.calibrate looks for its range."""
    path = os.environ.get("COURSE_CHECKS")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps([claim, *numbers]) + "\n")
    return bool(path)


def check(claim: str, value: float, low: float, high: float) -> None:
    """Print claim, value and bounds if low <= value <= high, else raise.

    If the environment variable COURSE_CHECKS names a file, claim, value and
    range are added to it, and a value outside its range does not stop the
    lesson: so tools.calibrate sees every value of a run. One that is not
    finite does stop it, for no range could hold it.

    Args:
        claim: what the value shows, in words.
        value: one number (or a true-or-false); its unit is the claim's.
        low: smallest value that proves the claim.
        high: largest value that proves the claim.

    Raises:
        AssertionError: the value lies outside, or is not a number.
    """
    value = float(value)
    calibrating = math.isfinite(value) and _recorded(claim, value, low, high)
    if not low <= value <= high and not (calibrating and low < high):
        raise AssertionError(
            f"{claim}: {value:.6g} is outside [{low:g}, {high:g}]"
        )
    if low == high:
        print(f"ok  {claim}: exactly {low:g}")
    else:
        print(f"ok  {claim}: {value:.4g} ({low:g} to {high:g})")


@contextlib.contextmanager
def raises(
    claim: str, error: type[Exception], match: str = ""
) -> Iterator[None]:
    """Run the block; print the claim if it raises what it should.

    Args:
        claim: what the error shows, in words.
        error: the exception that must be raised.
        match: regular expression that its message must contain.

    Raises:
        AssertionError: no error, or one with another message. An exception
            of another type passes through.
    """
    try:
        yield
    except error as found:
        if not re.search(match, str(found)):
            raise AssertionError(
                f"{claim}: the message {str(found)!r} does not contain "
                f"{match!r}"
            ) from found
        print(f"ok  {claim}: {error.__name__}, as expected")
    else:
        raise AssertionError(f"{claim}: no {error.__name__} was raised")


def exercise(test: Callable[[object], None]) -> Callable[[object], None]:
    """Turn a test of an answer into a checker that prints a verdict.

    Args:
        test: raises AssertionError with the property that fails.

    Returns:
        A function of the answer that prints "not attempted" for `...`,
        "not yet: <property>" for a wrong one, and "PASS"; "not judged" where
        Python skips every assert.
    """

    @functools.wraps(test)
    def checker(answer: object) -> None:
        if answer is ...:
            print("not attempted")
            return
        if not __debug__:
            print(
                "not judged: Python runs with -O or PYTHONOPTIMIZE, which "
                "skips every test. Unset it and restart the kernel."
            )
            return
        try:
            test(answer)
        except AssertionError as failed:
            print(f"not yet: {failed}")
        except Exception as error:  # a student's code may raise anything
            print(f"not yet: it stops with {type(error).__name__}: {error}")
        else:
            print("PASS")

    return checker
