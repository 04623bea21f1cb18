"""How is a label best handed to D? python -m studies.conditional.

Four ways to tell lesson 03's discriminator which class was asked for, and
none at all. G gets ten numbers more, one of them 1, in all but the last. For
each way one of four weights of the penalty is chosen by FCD on `validation`,
on seeds that are not reported; then five fresh seeds train with it, and are
judged against `holdout` after equal time: as many steps as cost the same, by
what a step of each way takes when all are timed side by side. A row of
data/results/06_conditional.json is written when it is measured, so that an
interrupted call goes on. Several workers (--workers) take one thread each.
"""

import argparse
import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from helpers import data, metrics, runtime, training
from helpers.backend import ops, tf
from helpers.lessons import conditional, dcgan
from studies.record import Record
from studies.stability import mapped, side_by_side
from tools.alone import alone

GAMMAS = (0.3, 1.0, 3.0, 10.0)
TUNING, REPORTED = (100, 101), (0, 1, 2, 3, 4)  # seeds
MARKS = (800, 2_000)  # steps without a label that cost as much
Z_SEED = 10_000
PLAIN = "no label"
Row = dict[str, Any]
Run = tuple[str, float, int, dict[str, int]]  # way, gamma, seed, marks


def scrambled(y: tf.Tensor) -> tf.Tensor:
    """Turn labels into planes as a well-known example does: each class is a
    band of rows, the same in all ten planes."""
    repeated = ops.repeat(ops.one_hot(y, 10), 28 * 28, axis=1)
    return ops.reshape(repeated, (-1, 28, 28, 10))


WAYS: dict[str, Callable | None] = {
    PLAIN: None,
    "planes": functools.partial(conditional.build_discriminator, "planes"),
    "scrambled planes": functools.partial(
        conditional.build_discriminator, "planes", code=scrambled
    ),
    "joined": functools.partial(conditional.build_discriminator, "joined"),
    "projection": functools.partial(
        conditional.build_discriminator, "projection"
    ),
}


def build(way: str, gamma: float, seed: int) -> dcgan.Gan:
    """Build a run of one way."""
    recipe, make = dcgan.Recipe(seed, r1_gamma=gamma), WAYS[way]
    if make is None:
        return dcgan.build_gan(recipe)
    return conditional.assemble(recipe, make)


def labels(way: str, y: np.ndarray) -> np.ndarray | None:
    """Return the labels that a way trains with."""
    return None if way == PLAIN else y


@functools.cache
def judged_split(split: str) -> tuple[metrics.Judgement, np.ndarray]:
    """Judge the images of a split; return their labels as well."""
    x, y = data.load(split)
    return metrics.judge(x), y


def by_class(
    fake: metrics.Judgement,
    asked: np.ndarray,
    real: metrics.Judgement,
    y: np.ndarray,
) -> Row:
    """Compare class by class: agreement, FCD, and how far samples lie apart.

    Args:
        fake: of the samples.
        asked: their classes (n,).
        real: of the reference.
        y: its classes.

    Returns:
        `agreement` of the judge with what was asked, a share a class; `fcd`
        of each class; `diversity`, the mean distance in features between two
        samples of a class that the judge agrees with, over that of real ones.
    """
    named = fake.probabilities.argmax(axis=1)
    row: Row = {"agreement": [], "class_fcd": [], "diversity": []}
    for k in range(10):
        mine, right = asked == k, (asked == k) & (named == k)
        a, b = fake.features[mine], real.features[y == k]
        row["agreement"].append(round(float(right.sum() / mine.sum()), 4))
        row["class_fcd"].append(round(metrics.frechet_distance(a, b), 2))
        apart = [
            pdist(x).mean() if len(x) > 1 else 0.0
            for x in (fake.features[right], b)
        ]
        row["diversity"].append(round(float(apart[0] / apart[1]), 4))
    return row


def judged(gan: dcgan.Gan, way: str, split: str) -> Row:
    """Judge as many samples as the split has images, of the same classes.

    Without labels, also such samples of which the judge names as many of
    each class as the split has: what an equal share of classes is worth.
    """
    real, y = judged_split(split)
    z = training.sample_z(len(y), gan.recipe.latent_dim, Z_SEED, 0)
    row: Row = {}
    if way == PLAIN:
        fake = metrics.judge(gan.draw(z))
        row["fcd_balanced"] = balanced_fcd(gan, fake, real, y)
    else:
        fake = metrics.judge(gan.draw(np.asarray(z), y))
        row |= by_class(fake, y, real, y)
    far = metrics.frechet_distance(fake.features, real.features)
    late = np.array(gan.history)[-100:, 2].mean()
    return {"fcd": round(far, 3)} | row | {"d_loss": round(float(late), 4)}


def balanced_fcd(
    gan: dcgan.Gan,
    fake: metrics.Judgement,
    real: metrics.Judgement,
    y: np.ndarray,
) -> float | None:
    """Return the FCD of samples with the reference's shares of classes, or
    None where a class is too rare to be found in eight times as many."""
    features, p = [fake.features], [fake.probabilities]
    wanted = np.bincount(y, minlength=10)
    for k in range(1, 8):
        named = np.concatenate(p).argmax(axis=1)
        if (np.bincount(named, minlength=10) >= wanted).all():
            rows = [
                np.flatnonzero(named == c)[:n] for c, n in enumerate(wanted)
            ]
            chosen = np.concatenate(features)[np.concatenate(rows)]
            far = metrics.frechet_distance(chosen, real.features)
            return round(far, 3)
        z = training.sample_z(len(y), gan.recipe.latent_dim, Z_SEED, k)
        more = metrics.judge(gan.draw(z))
        features.append(more.features)
        p.append(more.probabilities)
    return None


def real_row() -> Row:
    """Measure real digits of `test`, 500 a class at random, as if drawn;
    `validation` holds the digits of `holdout`."""
    x, y = data.load("test")
    order = np.random.default_rng(0).permutation(len(y))
    x, y = x[order], y[order]  # other people wrote the second half
    rows = np.concatenate([np.flatnonzero(y == k)[:500] for k in range(10)])
    fake, (real, y_real) = metrics.judge(x[rows]), judged_split("holdout")
    far = metrics.frechet_distance(fake.features, real.features)
    row = {"way": "real digits", "gamma": 0.0, "seed": 0, "marks": {}}
    measured = {"fcd": round(far, 3)} | by_class(fake, y[rows], real, y_real)
    return row | {"marks": {"0": measured}}


def measure(run: Run) -> Row:
    """Train one way up to its last mark; judge it at each."""
    way, gamma, seed, marks = run
    tuning = seed in TUNING
    x, y = data.load("train")
    gan = build(way, gamma, seed)
    row: Row = {"way": way, "gamma": gamma, "seed": seed, "marks": {}}
    split = "validation" if tuning else "holdout"
    marked = sorted(marks, key=int)
    for mark in marked[-1:] if tuning else marked:
        steps = marks[mark]
        try:
            done = training.fit(gan, x, steps, y_train=labels(way, y))
        except FloatingPointError:
            row["broke"] = len(gan.history)
            break
        if not done:
            raise KeyboardInterrupt
        row["marks"][mark] = {"steps": steps} | judged(gan, way, split)
    return row


def ten_times(take: Callable, batch: tuple[np.ndarray, ...]) -> None:
    """Take ten steps on one batch."""
    for _ in range(10):
        take(*batch)


def cost(rounds: int = 15) -> list[Row]:
    """Time a step of all ways in turn; return a row a way.

    Args:
        rounds: how often each way is timed.

    Returns:
        `ms`, the median over rounds, and `ratio`, the median of a way's time
        over that without a label in the same round, to a hundredth.
    """
    x, y = data.load("train", 64)
    takes = {}
    for way in WAYS:
        gan, given = build(way, 1.0, 0), labels(way, y)
        pair = (x,) if given is None else (x, given)
        take = training.compile_step(gan, None, given)
        takes[way] = functools.partial(ten_times, take, pair)
        takes[way]()  # compiled
    return [
        {
            "way": f"{way}, cost",
            "gamma": 1.0,
            "seed": 0,
            "ms": round(seconds / 10 * 1_000, 2),
            "ratio": round(ratio, 2),
        }
        for way, (seconds, ratio) in side_by_side(takes, rounds).items()
    ]


def go_on(record: Record, each: Callable) -> None:
    """Choose a weight for each way, then run it on fresh seeds."""
    ratio = {
        row["way"].removesuffix(", cost"): row["ratio"]
        for row in record.rows
        if "ratio" in row
    }

    def work(settings: Iterable[tuple[str, float]], seeds: tuple) -> None:
        runs = [
            (way, gamma, seed, marks(way))
            for way, gamma in settings
            for seed in seeds
            if (way, gamma, seed) not in record
        ]
        for row in each(measure, runs):
            record.add(row)

    def marks(way: str) -> dict[str, int]:
        return {str(n): round(n / ratio[way]) for n in MARKS}

    def mean(way: str, gamma: float) -> float:
        rows = {record.key(row): row for row in record.rows}
        found = [rows[way, gamma, seed]["marks"] for seed in TUNING]
        fcds = [m["fcd"] for marks in found for m in marks.values()]
        return float(np.mean(fcds)) if len(fcds) == len(TUNING) else np.inf

    work([(way, gamma) for way in WAYS for gamma in GAMMAS], TUNING)
    best = [
        (way, min(GAMMAS, key=functools.partial(mean, way))) for way in WAYS
    ]
    work(best, REPORTED)


def main(workers: int = 1) -> None:
    """Do the runs that have no row yet."""
    data.need_full("This study")
    about = {
        "command": "python -m studies.conditional",
        "protocol": "5,000 samples of the average v holdout, 500 a class "
        "where a class can be asked for; weights of the penalty chosen with "
        "6,000 v validation",
        "machine": f"{runtime.machine()}, {workers} runs at a time",
    }
    keys = ("way", "gamma", "seed")
    order = ["real digits", *(f"{way}, cost" for way in WAYS), *WAYS]
    record = Record(conditional.RECORD, about, keys, order)
    if not any("ratio" in row for row in record.rows):
        for row in cost():
            record.add(row)
    if ("real digits", 0.0, 0) not in record:
        record.add(real_row())
    with mapped(workers) as each:
        go_on(record, each)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with alone(conditional.RECORD):
        main(given.workers)
