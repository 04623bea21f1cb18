"""COURSE_PROFILE and COURSE_SEED: what they may say.

Standard library only: the launcher reads this file before anything is
installed.
"""

import difflib
import re
from collections.abc import Mapping

PROFILES = ("ci", "lecture", "full")


class SettingError(ValueError):
    """A setting from outside that the course cannot use, and its remedy."""

    def __init__(self, trouble: str, remedy: str) -> None:
        super().__init__(f"{trouble} {remedy}")
        self.remedy = remedy


def read_profile(environment: Mapping[str, str]) -> str:
    """Return the value of COURSE_PROFILE, or say what it may be."""
    value = environment.get("COURSE_PROFILE", "").strip() or "lecture"
    if value not in PROFILES:
        near = difflib.get_close_matches(value.lower(), PROFILES, 1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingError(
            f"COURSE_PROFILE is {value!r}; it must be one of "
            f"{', '.join(PROFILES)}.{meant}",
            "Set COURSE_PROFILE to one of these, or unset it to get "
            "'lecture'.",
        )
    return value


def read_seed(environment: Mapping[str, str]) -> int:
    """Return the value of COURSE_SEED (default 0), or say what it may be."""
    value = environment.get("COURSE_SEED", "").strip() or "0"
    if not re.fullmatch("0*[0-9]{1,4}", value):
        raise SettingError(
            f"COURSE_SEED is {value!r}; it must be a whole number from 0 to "
            "9999.",
            "Set COURSE_SEED to such a number, or unset it to get 0.",
        )
    return int(value)
