"""Which way to play fails, and how often? python -m studies.stability.

Nine ways, each with three values of Adam's beta_1, on eight points in a ring,
25 in a grid, and digits. For each of them one of three learning rates is
chosen on seeds that are not reported; then five fresh seeds train with it,
and are judged after equal steps and after equal time: as many steps as cost
the same, by what a step of each way takes when all are timed side by side
(`cost`). Last, `beyond` tries 0.9 with other rates. A row of
data/results/05_stability.json is written when it is measured, so that an
interrupted call goes on; tasks after the command select among them. Several
workers (--workers) take one thread each.
"""

import argparse
import contextlib
import dataclasses
import functools
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from helpers import data, metrics, runtime, training
from helpers.backend import keras, ops, tf
from helpers.lessons import dcgan, stability
from studies.games import Points, Way, losses
from studies.record import Record
from tools.alone import alone

RECORD = stability.RECORD
BETAS = (0.0, 0.5, 0.9)
TUNING = {"ring": (100, 101), "grid": (100, 101), "digits": (100,)}  # seeds
REPORTED = (0, 1, 2, 3, 4)
POINTS = {"ring": stability.ring(), "grid": stability.grid()}
RATES = {"ring": (1e-3, 2e-3, 5e-3), "grid": (1e-3, 2e-3, 5e-3)}
RATES["digits"] = (5e-4, 1e-3, 2e-3)
OTHER_RATES = {"ring": (5e-4, 2e-4), "digits": (4e-3, 8e-3)}  # for 0.9
N_STEPS, EVERY = 4_000, 250  # of G, on points
TUNED_AT = [("seconds", 20)]  # of training, on digits
MARKS = [("steps", 400), ("steps", 800)]  # of G; and one of equal time
Z_SEED, N_SAMPLES = 10_000, 2_000


def ways(task: str) -> dict[str, Way]:
    """Return what is compared; a penalty has the unit of the data."""
    small = task in POINTS
    r, lipschitz = (0.01, 0.1) if small else (10.0, 10.0)
    critic = Way("Wasserstein", lipschitz=lipschitz)
    compared = {
        "non-saturating": Way(),
        "saturating": Way("saturating"),
        "least squares": Way("least squares"),
        "WGAN-GP, D once": critic,
        "WGAN-GP, D five times": dataclasses.replace(critic, d_steps=5),
        "R1": Way(r1=r),
        "spectral norm": Way(spectral=True),
        "two time scales": Way(g_rate=0.25),
        "relativistic, R1 and R2": Way("relativistic", r1=r, r2=r),
    }
    advice = {
        "D five times": Way(d_steps=5),
        "four times the batch": Way(batch=512),
        "z of 64 numbers": Way(latent_dim=64),
        "smoothed labels": Way(smooth=0.1),
    }
    return compared | advice if small else compared


Row = dict[str, Any]
# Of a run: task, way, beta_1, rate and seeds; those of points run together.
Run = tuple[str, str, float, float, tuple[int, ...]]


def points(
    task: str, way: str, beta_1: float, rate: float, seeds: tuple[int, ...]
) -> list[Row]:
    """Train on points; return a row a seed, with its readings on the way."""
    game = Points(ways(task)[way], POINTS[task], seeds, rate, beta_1)
    readings = list(game.readings(N_STEPS, EVERY))
    seconds = readings[-1][1]
    rows = []
    for k, seed in enumerate(seeds):
        counts = [counts[k] for _, _, counts in readings]
        row = {"task": task, "way": way, "beta_1": beta_1, "rate": rate}
        row |= {"seed": seed, "ms": round(seconds / N_STEPS * 1_000, 3)}
        for name in ("modes", "share", "near"):
            row[name] = [round(c[name], 2) for c in counts]
        rows.append(row)
    return rows


def build_digits(way: Way, beta_1: float, rate: float, seed: int) -> dcgan.Gan:
    """Build the networks of lesson 03 for one way to play."""
    recipe = dcgan.Recipe(
        seed, learning_rate=rate, beta_1=beta_1, r1_gamma=way.r1
    )

    def make_discriminator() -> keras.Model:
        model = dcgan.build_discriminator(recipe.d_width)
        if not way.spectral:
            return model
        return keras.Sequential(
            [keras.Input((28, 28, 1))]
            + [
                keras.layers.SpectralNormalization(layer)
                if layer.trainable_variables
                else layer
                for layer in model.layers
            ]
        )

    gan = dcgan.assemble(
        recipe,
        lambda: dcgan.build_generator(recipe.latent_dim, recipe.width),
        make_discriminator,
    )
    gan.g_optimizer.learning_rate.assign(rate * way.g_rate)
    return gan


def squared_slopes(gan: dcgan.Gan, x: tf.Tensor) -> tf.Tensor:
    """Return the squared slope of D at each image, (n,)."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = gan.discriminator(x, training=True)
    return ops.sum(ops.square(tape.gradient(logits, x)), axis=(1, 2, 3))


def digits_step(way: Way) -> Any:
    """Return a step of D for `fit`; every `d_steps`-th moves G as well."""

    def penalty(gan: dcgan.Gan, x: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        x, fake = x[::4], fake[::4]  # for time, as in lesson 03
        total = 0.0
        if way.r1:
            total += way.r1 / 2 * ops.mean(squared_slopes(gan, x))
        if way.r2:
            total += way.r2 / 2 * ops.mean(squared_slopes(gan, fake))
        if way.lipschitz:
            shape = (ops.shape(x)[0], 1, 1, 1)
            a = tf.random.stateless_uniform(
                shape, (gan.recipe.seed + 1_000, gan.step)
            )
            squared = squared_slopes(gan, a * x + (1 - a) * fake)
            off = ops.square(ops.sqrt(squared + 1e-12) - 1)
            total += way.lipschitz * ops.mean(off)
        return total

    def move_g(gan: dcgan.Gan, x_real: tf.Tensor) -> tf.Tensor:
        weights = gan.generator.trainable_variables
        z = dcgan.draw_z(gan, x_real)
        with tf.GradientTape() as tape:
            fake = gan.discriminator(
                gan.generator(z, training=True), training=True
            )
            real = gan.discriminator(x_real, training=True)
            loss = ops.mean(losses(way.loss, real, fake)[1])
        gan.g_optimizer.apply(tape.gradient(loss, weights), weights)
        # The average counts the steps of G.
        dcgan.update_average(
            dataclasses.replace(gan, step=gan.step // way.d_steps)
        )
        return loss

    def step(gan: dcgan.Gan, x_real: tf.Tensor) -> tuple[tf.Tensor, ...]:
        weights = gan.discriminator.trainable_variables
        x_fake = gan.generator(dcgan.draw_z(gan, x_real), training=True)
        with tf.GradientTape() as tape:
            real = gan.discriminator(x_real, training=True)
            fake = gan.discriminator(x_fake, training=True)
            d_loss = ops.mean(losses(way.loss, real, fake)[0])
            loss = d_loss + penalty(gan, x_real, x_fake)
        gan.d_optimizer.apply(tape.gradient(loss, weights), weights)
        if way.d_steps == 1:
            return d_loss, move_g(gan, x_real)
        turn = (gan.step + 1) % way.d_steps == 0
        tf.cond(turn, lambda: move_g(gan, x_real), lambda: 0.0)
        return d_loss

    return step


def judged(gan: dcgan.Gan, real: metrics.Judgement) -> Row:
    """Judge samples of the average; say what D's loss was of late."""
    z = training.sample_z(N_SAMPLES, gan.recipe.latent_dim, Z_SEED, 0)
    fake = metrics.judge(gan.draw(z))
    shares = metrics.class_shares(fake.probabilities)
    late = np.array(gan.history)[-100:, 2].mean()
    return {
        "fcd": float(
            f"{metrics.frechet_distance(fake.features, real.features):.4g}"
        ),
        "rarest": round(float(shares.min()), 4),
        "commonest": round(float(shares.max()), 4),
        "d_loss": round(float(late), 3),
    }


@functools.cache
def images() -> tuple[np.ndarray, metrics.Judgement]:
    """Return the training images, and the judgement of the reference."""
    x_train, _ = data.load("train")
    return x_train, metrics.judge(data.load("validation")[0])


def digits(way: str, beta_1: float, rate: float, seed: int) -> Row:
    """Train on digits up to the last mark of this seed; return its row."""
    x_train, real = images()
    kind = ways("digits")[way]
    gan, step = build_digits(kind, beta_1, rate, seed), digits_step(kind)
    row = {"task": "digits", "way": way, "beta_1": beta_1, "rate": rate}
    row |= {"seed": seed, "marks": {}}
    gan.compiled = training.compile_step(gan, step)
    marks = {*MARKS, ("steps", stability.equal_steps("digits", way, 800))}
    left = TUNED_AT if seed in TUNING["digits"] else sorted(marks)
    left = list(left)

    def trained() -> tuple[int, float]:
        """Return steps and seconds after the first, which compiles."""
        rows = gan.history or [(0, 0.0)]
        return rows[-1][0], rows[-1][1] - rows[0][1]

    def reached() -> list[tuple[str, float]]:
        steps, seconds = trained()
        at = {"steps": steps / kind.d_steps, "seconds": seconds}
        return [mark for mark in left if at[mark[0]] >= mark[1]]

    def stop(_: dcgan.Gan) -> None:
        if reached():
            raise KeyboardInterrupt

    while left:
        try:
            training.fit(gan, x_train, sys.maxsize, stop)
        except FloatingPointError:
            row["broke"] = len(gan.history)
            break
        if not reached():
            raise KeyboardInterrupt  # by the user
        for name, value in reached():
            left.remove((name, value))
            row["marks"][f"{value} {name}"] = judged(gan, real)
    if len(gan.history) > 1:  # else it broke at once
        steps, seconds = trained()
        row["ms"] = round(seconds / (steps - 1) * 1_000, 1)
    return row


def score(row: Row) -> float:
    """Return what chooses a rate, the smaller the better."""
    if row["task"] in POINTS:
        late = row["modes"][-4:]
        return -float(np.mean(late)) - float(np.mean(row["share"][-4:])) / 100
    if "broke" in row:
        return np.inf
    return [*row["marks"].values()][-1]["fcd"]


def side_by_side(
    takes: dict[str, Callable[[], Any]], rounds: int
) -> dict[str, tuple[float, float]]:
    """Time calls in turn, so that all meet the same machine.

    Args:
        takes: name -> what is timed; each has been called once.
        rounds: how often each is timed.

    Returns:
        Name -> median seconds, and median of its time over that of the
        first in the same round.
    """
    times: dict[str, list[float]] = {name: [] for name in takes}
    for name in [*takes] * rounds:
        start = time.perf_counter()
        takes[name]()
        times[name].append(time.perf_counter() - start)
    first = np.array(next(iter(times.values())))
    return {
        name: (float(np.median(found)), float(np.median(found / first)))
        for name, found in times.items()
    }


def cost(task: str, rounds: int = 15) -> list[Row]:
    """Time a step of G, with what D does for it, of all ways in turn.

    Args:
        task: ring or digits.
        rounds: how often each way is timed.

    Returns:
        A row a way: `ms`, the median over rounds, and `ratio`, the median
        of its time over that of the first way in the same round, to a tenth.
    """
    takes, n_steps = {}, 200 if task in POINTS else 10
    for name, way in ways(task).items():
        if task in POINTS:
            game = Points(way, POINTS[task], REPORTED, 1e-3, 0.0)
            takes[name] = functools.partial(game.play, tf.constant(n_steps))
        else:
            gan = build_digits(way, 0.0, 1e-3, 0)
            take = training.compile_step(gan, digits_step(way))
            batches = [images()[0][:64]] * n_steps * way.d_steps
            takes[name] = lambda t=take, b=batches: [*map(t, b)]
        takes[name]()  # compiled
    return [
        {
            "task": f"{task}, cost",
            "way": name,
            "beta_1": 0.0,
            "rate": 1e-3,
            "seed": 0,
            "ms": round(seconds / n_steps * 1_000, 2),
            "ratio": round(ratio, 1),
        }
        for name, (seconds, ratio) in side_by_side(takes, rounds).items()
    ]


def measure(run: Run) -> list[Row]:
    """Train; return a row a seed."""
    task, *setting, seeds = run
    if task in POINTS:
        return points(*run)
    return [digits(*setting, seed) for seed in seeds]


def go_on(record: Record, task: str, each: Callable) -> None:
    """Choose a rate for each way, then run it on fresh seeds.

    Args:
        record: of all rows.
        task: ring, grid or digits.
        each: like `map`, in any order.
    """

    def done(run: Run) -> bool:
        return all((*run[:4], seed) in record for seed in run[4])

    def work(settings: Iterable[tuple], seeds: tuple[int, ...]) -> None:
        groups = [seeds] if task in POINTS else [(seed,) for seed in seeds]
        runs = [(*s, group) for s in settings for group in groups]
        runs = [run for run in runs if not done(run)]
        # The longest first, so that no worker waits for another at the end.
        runs.sort(key=lambda run: -compared[run[1]].d_steps)
        for rows in each(measure, runs):
            for row in rows:
                record.add(row)

    compared = ways(task)
    cells = [(task, way, beta) for beta in BETAS for way in compared]
    tried = [(*cell, rate) for cell in cells for rate in RATES[task]]
    work(tried, TUNING[task])
    rows = [row for row in record.rows if row["task"] == task]
    scores = {record.key(row): score(row) for row in rows}

    def mean(cell: tuple, rate: float) -> float:
        return np.mean([scores[*cell, rate, seed] for seed in TUNING[task]])

    best = [
        (*cell, min(RATES[task], key=functools.partial(mean, cell)))
        for cell in cells
    ]
    work(best, REPORTED)


def beyond(record: Record, each: Callable) -> None:
    """Try 0.9 with rates that lie beyond those to choose from."""
    runs = [
        (task, way, 0.9, rate, (seed,) if task == "digits" else REPORTED)
        for task, rates in OTHER_RATES.items()
        for rate in rates
        for way in ("non-saturating", "R1")
        for seed in (REPORTED[:2] if task == "digits" else (0,))
    ]
    new = [
        run
        for run in runs
        if (f"{run[0]}, other rates", *run[1:4], run[4][0]) not in record
    ]
    for rows in each(measure, new):
        for row in rows:
            record.add(row | {"task": f"{row['task']}, other rates"})


@contextlib.contextmanager
def mapped(workers: int) -> Iterator[Callable]:
    """Yield `map`, or one in any order by processes of one thread each."""
    if workers == 1:
        yield map
        return
    os.environ |= {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1"}
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield pool.imap_unordered


def main(tasks: list[str], workers: int = 1) -> None:
    """Do the runs of these tasks that have no row yet."""
    about = {
        "command": "python -m studies.stability",
        "protocol": f"points: {N_STEPS:,} steps of G, 4,000 points counted "
        f"every {EVERY}; digits: {N_SAMPLES:,} samples of the average v "
        "validation",
        "machine": f"{runtime.machine()}, {workers} runs at a time",
    }
    keys = ("task", "way", "beta_1", "rate", "seed")
    kinds = "cost", "other rates"
    order = [*RATES, *(f"{t}, {kind}" for kind in kinds for t in OTHER_RATES)]
    record = Record(RECORD, about, keys, order)
    if {"cost", "digits", "beyond"} & set(tasks):
        data.need_full("This study")
    if "cost" in tasks:
        for task in ("ring", "digits"):
            if f"{task}, cost" not in {row["task"] for row in record.rows}:
                for row in cost(task):
                    record.add(row)
    with mapped(workers) as each:
        for task in RATES:
            if task in tasks:
                go_on(record, task, each)
        if "beyond" in tasks:
            beyond(record, each)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = ["cost", *RATES, "beyond"]
    parser.add_argument("tasks", nargs="*", choices=tasks, default=tasks)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with alone(RECORD):
        main(arguments.tasks, arguments.workers)
