"""Scores of a file of samples, and what they depend on.

`python3 course.py score FILE` scores what `samples.read` reads. The samples
are set against as many images of `holdout`, which is the same on every
machine. `protocol` names everything that a score depends on.
"""

import hashlib
import heapq
import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers import checkpoints, data, metrics, runtime
from helpers.lessons import samples
from helpers.lessons.samples import SampleError  # noqa: F401

PROTOCOL = runtime.ROOT / "data" / "mnist-fcd-v1.json"


class Report(NamedTuple):
    """What was scored, against what, and the scores.

    Attributes:
        file: the path.
        found: how many images it holds.
        scored: how many of them were scored, and against how many images of
            `holdout`.
        protocol: as in `protocol`.
        aside: what else was in the folder, by name; it was not read.
        scores: intervals by name, as `metrics.measures` has them, and
            "fcd_debiased", see `metrics.frechet_debiased`.
    """

    file: str
    found: int
    scored: int
    protocol: dict[str, Any]
    aside: tuple[str, ...]
    scores: dict[str, metrics.Interval]

    def table(self) -> pd.DataFrame:
        """Return one row a measure: estimate, low and high end (95 %)."""
        rows = {name: tuple(found) for name, found in self.scores.items()}
        columns = list(metrics.Interval._fields)
        table = pd.DataFrame.from_dict(rows, "index", columns=columns)
        return table.rename_axis("measure")


def protocol(n: int) -> dict[str, Any]:
    """Name what scores of n images depend on: judge, reference, code.

    Args:
        n: how many images are scored.

    Returns:
        The content of data/mnist-fcd-v1.json with n and the version of the
        course; for another n than its own, the name says so.

    Raises:
        CheckpointError: the judge at hand is another one.
    """
    content = json.loads(PROTOCOL.read_text(encoding="utf-8"))
    judge, wanted = content["judge"], content["judge_sha256"]
    if checkpoints.card(judge)["sha256"] != wanted:
        raise checkpoints.CheckpointError(
            f"{judge}: expected the judge of {content['name']}, sha256 "
            f"{wanted[:12]}..., found another. {checkpoints.REMEDY}"
        )
    if n != content["images"]:
        content["name"] += f" with {n:,} images instead of 5,000"
    about = (runtime.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = tomllib.loads(about)["project"]["version"]
    return content | {"images": n, "course": version}


def _keyed(parts: Iterable[np.ndarray]) -> Iterator[tuple[bytes, bytes]]:
    """Yield a random key and the grey levels of each image.

    The key depends on the levels and on how many equal images came before,
    so that it says nothing about the order, and equal images lie apart.
    """
    seen: Counter[bytes] = Counter()
    for part in parts:
        for levels in map(np.ndarray.tobytes, data.to_uint8(part)):
            digest = hashlib.blake2b(levels, digest_size=16).digest()
            again = seen[digest].to_bytes(16)
            seen[digest] += 1
            yield hashlib.blake2b(digest, salt=again).digest(), levels


def score_file(
    path: str | Path,
    value_range: tuple[float, float] | None = None,
    key: str | None = None,
) -> Report:
    """Score the samples of a file with every metric.

    Of more samples than `holdout` has, 5,000 are chosen; fewer are set
    against as many images of it. Neither the choice nor a score depends on
    the order of the samples. The intervals are those of the delete-block
    jackknife.

    Args:
        path: as in `samples.read`.
        value_range: as in `samples.read`.
        key: as in `samples.read`.

    Returns:
        The report.

    Raises:
        SampleError: as in `samples.read`.
    """
    found = samples.read(path, value_range, key)
    reference, _ = data.load("holdout")
    n = min(len(found.images), len(reference))
    chosen = heapq.nsmallest(n, _keyed(found.parts()))
    levels = np.frombuffer(b"".join(x for _, x in chosen), np.uint8)
    fake = metrics.judge(data.to_float(levels.reshape(n, 28, 28, 1)))
    real = metrics.judge(reference[:n])
    scores = metrics.score_judged_set(fake, real)
    scores["fcd_debiased"] = metrics.frechet_debiased(
        fake.features, real.features
    )
    return Report(
        str(path), len(found.images), n, protocol(n), found.aside, scores
    )
