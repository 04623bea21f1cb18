"""What does D's verdict buy in a repair, and what does a network erase?

python -m studies.translation. A row of data/results/07_translation.json is
written when it is measured, so that an interrupted call goes on. Several
workers (--workers) take one thread each.

- repair: a hole in a digit ("half" or "square"), filled by the same U-Net for
  six weights of D's verdict, three seeds each; 700 steps, gamma as chosen on
  `validation` by one seed that is not reported.
- ways: D's verdict alone; squared error; D by places, its penalty on the
  mean or on the sum of the 49 logits; no mask.
- marks: share of training pairs that keep the mark; what becomes of it.
- guesses: a faint mark that goes with the class, in noise.
- cost: of a step with D, side by side with one without.
"""

import argparse
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from helpers import data, metrics, runtime, training
from helpers.backend import ops, tf
from helpers.lessons import dcgan, repairs, scans, translation
from studies.conditional import ten_times
from studies.record import Record
from studies.stability import mapped, side_by_side
from tools.alone import alone

N_STEPS = 700
SEEDS, MORE_SEEDS = (0, 1, 2), (0, 1, 2, 3, 4)
GAMMAS = (0.3, 1.0, 3.0, 10.0)
WEIGHTS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
KEEPS = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9)
VERDICT = "D's verdict "  # and its weight
SHARES = (0.5, 0.7, 0.9, 0.98)
MARK_STEPS, GUESS_STEPS = 300, 1_200
Row = dict[str, Any]
Run = tuple[str, str, float, float, int]  # kind, setting, weight, gamma, seed


@functools.cache
def judged_split(split: str) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return images of a split, their labels, and what the judge says."""
    x, y = data.load(split, 5_000)
    return x, y, metrics.judge(x)


def no_mask_step(run: translation.Painter, x: tf.Tensor) -> tuple:
    """Take a step of a U-Net that is not told where the hole is."""
    n, recipe = ops.shape(x)[0], run.recipe
    mask = translation.masks(recipe.hole, n, recipe.seed, run.step)
    given = translation.damage(x, mask)
    blind = given * ops.convert_to_tensor([1.0, 0.0])
    with tf.GradientTape() as tape:
        drawn = run.generator(blind, training=True)
        filled = translation.paste(given, drawn)
        error = ops.sum(ops.abs(filled - x)) / ops.sum(mask)
    dcgan.descend(run.g_optimizer, tape, error, run.generator)
    dcgan.update_average(run)
    return (error,)


STEPS: dict[str, Callable | None] = {
    "sum of places": functools.partial(
        translation.train_step, over_places=ops.sum
    ),
    "squared error": functools.partial(
        translation.train_step, error=ops.square
    ),
    "no mask": no_mask_step,
}


def repair(run: Run) -> Row:
    """Train one run of repairs and judge it."""
    _, setting, weight, gamma, seed = run
    square = setting.removesuffix(repairs.ALONE) in ("square", "no mask")
    hole = "square" if square else "half"
    recipe = translation.Recipe(
        seed,
        hole=hole,
        weight=np.inf if repairs.ALONE in setting else weight,
        r1_gamma=gamma,
        patches="places" in setting,
    )
    painter = translation.build(recipe)
    x, _ = data.load("train")
    step = STEPS.get(setting)
    if not training.fit(painter, x, N_STEPS, step=step):
        raise KeyboardInterrupt
    split = "validation" if seed == repairs.TUNING else "holdout"
    x, y, real = judged_split(split)
    given = translation.damaged(x, hole)
    if setting == "no mask":
        drawn = training.generate(painter.average, given * (1.0, 0.0))
        filled = ops.convert_to_numpy(translation.paste(given, drawn))
    else:
        filled = painter.draw(given)
    late = np.array(painter.history)[-100:].mean(axis=0)
    losses = {"error": late[2], "d_loss": late[3]} if weight else {}
    return repairs.scores(filled, given, x, y, real) | {
        k: round(float(v), 4) for k, v in losses.items()
    }


def cost(rounds: int = 15) -> list[Row]:
    """Time a step without D, with D, and with D by places, in turn.

    Args:
        rounds: how often each is timed.

    Returns:
        A row a kind of step: `ms`, the median over rounds, and `ratio`, the
        median of its time over that without D in the same round.
    """
    x, _ = data.load("train", 32)
    takes = {}
    for name, kind in (
        ("no D", {}),
        ("D", {"weight": 1.0}),
        ("D by places", {"weight": 1.0, "patches": True}),
    ):
        painter = translation.build(translation.Recipe(0, **kind))
        take = training.compile_step(painter)
        takes[name] = functools.partial(ten_times, take, (x,))
        takes[name]()  # compiled
    keys = {"kind": "cost", "weight": 0.0, "gamma": 0.0, "seed": 0}
    return [
        keys
        | {"setting": name, "ms": round(seconds / 10 * 1_000, 2)}
        | {"ratio": round(ratio, 2)}
        for name, (seconds, ratio) in side_by_side(takes, rounds).items()
    ]


def judged_pair_step(
    run: translation.Painter, x: tf.Tensor, given: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Take a step on pairs with D's verdict; D gets what was given twice,
    in place of a mask."""
    n, pair = ops.shape(x)[0], ops.repeat(given, 2, axis=-1)
    with tf.GradientTape() as g_tape:
        drawn = run.generator(given, training=True)
        error = ops.mean(ops.abs(drawn - x))
    both = ops.concatenate([pair] * 2), ops.concatenate([x, drawn])
    with tf.GradientTape() as tape:
        logits = run.discriminator(both, training=True)
        d_loss = dcgan.discriminator_loss(logits[:n], logits[n:])
        quarter = pair[::4], x[::4]
        d_total = d_loss + translation.slope_penalty(run, *quarter)
    dcgan.descend(run.d_optimizer, tape, d_total, run.discriminator)
    with g_tape:
        verdicts = run.discriminator([pair, drawn], training=True)
        g_loss = dcgan.generator_loss(verdicts)
        loss = error + run.recipe.weight * g_loss
    dcgan.descend(run.g_optimizer, g_tape, loss, run.generator)
    dcgan.update_average(run)
    return error, d_loss


def fitted(
    x: np.ndarray, given: np.ndarray, seed: int, n_steps: int, weight: float
) -> translation.Painter:
    """Train a U-Net on pairs, with D's verdict if it has a weight."""
    kind = {"channels": 1, "weight": weight, "r1_gamma": 1.0}
    painter = translation.build(translation.Recipe(seed, **kind))
    step = judged_pair_step if weight else translation.pair_step
    if not training.fit(painter, x, n_steps, step=step, y_train=given):
        raise KeyboardInterrupt
    return painter


def marks(run: Run) -> Row:
    """Train on pairs of which some keep the mark; count it afterwards."""
    _, setting, keep, _, seed = run
    weight = float(setting.removeprefix(VERDICT) or 0)
    rng = np.random.default_rng([seed, 1])
    x, _ = data.load("train")
    at, has = scans.free_places(x, rng), rng.random(len(x)) < 0.5
    kept = has & (rng.random(len(x)) < keep)
    given = scans.noisy(scans.mark(x, at, has), 0.3, rng)
    target = scans.mark(x, at, kept)
    painter = fitted(target, given, seed, MARK_STEPS, weight)
    x, _ = data.load("holdout")
    rng = np.random.default_rng(99)
    at, has = scans.free_places(x, rng), np.arange(len(x)) % 2 == 0
    scan = scans.mark(x, at, has)
    drawn = painter.draw(scans.noisy(scan, 0.3, rng))
    seen = scans.shows(drawn, at)
    return {
        "marked": int(has.sum()),
        "erased": int((~seen[has]).sum()),
        "invented": int(seen[~has].sum()),
        "psnr": round(float(metrics.psnr(drawn.clip(-1, 1), scan).mean()), 2),
    }


def guesses(run: Run) -> Row:
    """Train to denoise 3s and 7s of which some have a faint mark."""
    share, seed = run[2], run[4]
    rng = np.random.default_rng([seed, 2])
    given, truth = scans.marked_sevens(*data.load("train"), share, rng)
    row: Row = {}
    painter = translation.build(translation.Recipe(seed, channels=1))
    step = translation.pair_step
    x, y = data.load("holdout")
    x_new, y_new = x[np.isin(y, (3, 7))], y[np.isin(y, (3, 7))]
    at = np.tile(scans.CORNER, (len(x_new), 1))
    for mark in (MARK_STEPS, GUESS_STEPS):
        if not training.fit(painter, truth, mark, step=step, y_train=given):
            raise KeyboardInterrupt
        for name, there in (("without", False), ("with", True)):
            own = np.full(len(x_new), there)
            scan = scans.mark(x_new, at, own, scans.FAINT)
            scan = scans.noisy(scan, scans.NOISE, np.random.default_rng(99))
            seen = scans.shows(painter.draw(scan), at, scans.FAINT)
            for digit in (3, 7):
                shown = int(seen[y_new == digit].sum())
                row[f"{digit} {name}, step {mark}: shown"] = shown
    return row | {str(d): int((y_new == d).sum()) for d in (3, 7)}


WORK = {"repair": repair, "marks": marks, "guesses": guesses}


def measure(run: Run) -> Row:
    """Do one run; return its row."""
    kind, setting, weight, gamma, seed = run
    row = {"kind": kind, "setting": setting, "weight": weight}
    return row | {"gamma": gamma, "seed": seed} | WORK[kind](run)


def planned(gamma: float) -> list[Run]:
    """List all runs that are reported."""
    runs = [
        ("repair", hole, weight, gamma, seed)
        for hole in ("half", "square")
        for weight in WEIGHTS
        for seed in SEEDS
    ]
    runs += [
        ("repair", way, weight, gamma, seed)
        for way, weight in (
            ("half" + repairs.ALONE, 1.0),
            ("square" + repairs.ALONE, 1.0),
            ("places", 1.0),
            ("sum of places", 1.0),
            ("squared error", 0.0),
            ("no mask", 0.0),
        )
        for seed in SEEDS
    ]
    runs += [
        ("marks", "", keep, 0.0, seed) for keep in KEEPS for seed in SEEDS
    ]
    runs += [
        ("marks", f"{VERDICT}{weight:g}", 0.3, 1.0, seed)
        for weight in (0.3, 3.0)
        for seed in SEEDS
    ]
    return runs + [
        ("guesses", "", share, 0.0, seed)
        for share in SHARES
        for seed in MORE_SEEDS
    ]


def go_on(record: Record, each: Callable) -> None:
    """Choose gamma by FCD on one seed, then do all runs."""

    def work(runs: list[Run]) -> None:
        todo = [run for run in runs if run not in record]
        for row in each(measure, todo):
            record.add(row)

    trials = [
        ("repair", "half", 1.0, gamma, repairs.TUNING) for gamma in GAMMAS
    ]
    work(trials)
    rows = {record.key(row): row for row in record.rows}
    gamma = min(trials, key=lambda run: rows[run]["fcd"])[3]
    work(planned(gamma))


def main(workers: int = 1) -> None:
    """Do the runs that have no row yet."""
    data.need_full("This study")
    about = {
        "command": "python -m studies.translation",
        "protocol": "5,000 pictures of holdout, damaged alike for all runs; "
        "gamma chosen with 5,000 of validation",
        "steps": N_STEPS,
        "machine": f"{runtime.machine()}, {workers} runs at a time",
    }
    keys = ("kind", "setting", "weight", "gamma", "seed")
    record = Record(repairs.RECORD, about, keys, [*WORK, "cost"])
    with mapped(workers) as each:
        go_on(record, each)
    if "cost" not in {row["kind"] for row in record.rows}:
        for row in cost():
            record.add(row)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with alone(repairs.RECORD):
        main(given.workers)
