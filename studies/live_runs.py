"""Measure the live run of lesson 03 over seeds: python -m studies.live_runs.

With --seed K, one run of the recipe as it is; its figures are printed as JSON
and nothing is written.

The recipe of the lesson, and the recipe with one thing changed at a time, for
as many steps as the lesson takes in the lecture profile. Each finished run is
one row of data/results/03_live_runs.json, written at once, so that an
interrupted call goes on. The lesson shows the table; the promises about a run
in class rest on the rows of the unchanged recipe.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from helpers import data, metrics, runtime, training
from helpers.backend import keras
from helpers.lessons import dcgan
from studies.record import Record
from tools.alone import alone
from tools.calibrate import SEEDS

RESULTS = runtime.ROOT / "data" / "results" / "03_live_runs.json"
OURS = "as in the lesson"
LESSON = 3
N_STEPS = 800  # of the lesson in the lecture profile
SEEDS_OF_OURS = range(20)
SEEDS_OF_A_CURE = SEEDS  # the lesson shows what each of its cures is worth
SEEDS_OF_A_CHANGE = SEEDS[:3]
# The recipe of the lesson's first run; its second adds the average, its third
# turns momentum off, its last adds the penalty.
PLAIN = "beta_1 0.5 for 0, no penalty"
# Momentum of 0.5 shortens Adam's steps by a factor of about root 3, as its
# gradients partly cancel: the same momentum at a rate that makes up for it.
LONG = "beta_1 0.5 for 0, no penalty, root 3 times the rate"
CHANGES: dict[str, dict[str, Any]] = {
    OURS: {},
    "no penalty": {"r1_gamma": 0.0},
    PLAIN: {"beta_1": 0.5, "r1_gamma": 0.0},
    LONG: {"beta_1": 0.5, "r1_gamma": 0.0, "learning_rate": 2e-3 * 3**0.5},
    "beta_1 0.5 for 0": {"beta_1": 0.5},
    "beta_1 0.9 for 0": {"beta_1": 0.9},
    "beta_2 0.999 for 0.9": {"beta_2": 0.999},
    "learning rate 0.0002 for 0.002": {"learning_rate": 2e-4},
    "batch 32 for 64": {"batch_size": 32},
    "latent_dim 100 for 64": {"latent_dim": 100},
    "D of twice the width": {"d_width": 64},
}
# Changes of the network, not of a setting: layers of D that are left out.
WITHOUT = {
    "no third convolution in D": (2, 3),
    "no hidden dense layer in D": (7, 8),
}


def seeds_of(change: str) -> Iterable[int]:
    """Return the seeds with which a change is measured."""
    if change == OURS:
        return SEEDS_OF_OURS
    cure = change in ("no penalty", PLAIN, LONG)
    return SEEDS_OF_A_CURE if cure else SEEDS_OF_A_CHANGE


def leave_out(gan: dcgan.Gan, places: tuple[int, ...]) -> None:
    """Take layers out of an untrained discriminator; its last one is new."""
    kept = [
        layer
        for k, layer in enumerate(gan.discriminator.layers[:-1])
        if k not in places
    ]
    gan.discriminator = keras.Sequential(
        [keras.Input((28, 28, 1)), *kept, keras.layers.Dense(1)]
    )
    gan.d_optimizer = dcgan.build_optimizer(gan.recipe, gan.discriminator)


def measure(
    recipe: dcgan.Recipe, n_steps: int, change: str = OURS
) -> dict[str, float]:
    """Train a pair and judge 5,000 samples against holdout.

    Args:
        recipe: what to train.
        n_steps: for how long.
        change: one of `WITHOUT`; the recipe holds the other changes.

    Returns:
        Seconds of training; FCD of the average generator, of the last
        weights and of the untrained generator; classifier score; share of
        the rarest digit; share of samples that the classifier names with a
        probability of at least 0.9.
    """
    x_train, _ = data.load("train")
    real = metrics.judge(data.load("holdout")[0])
    n = len(real.features)
    z = training.sample_z(n, recipe.latent_dim, recipe.seed, 10**6)

    def judge(model: Any) -> metrics.Judgement:
        return metrics.judge(training.generate(model, z))

    def fcd(judged: metrics.Judgement) -> float:
        return metrics.frechet_distance(judged.features, real.features)

    gan = dcgan.build_gan(recipe)
    if change in WITHOUT:
        leave_out(gan, WITHOUT[change])
    untrained = fcd(judge(gan.average))
    if not training.fit(gan, x_train, n_steps):
        raise KeyboardInterrupt  # half a run is no record
    judged = judge(gan.average)
    values = {
        "seconds": gan.history[-1][1],
        "fcd": fcd(judged),
        "fcd_last_weights": fcd(judge(gan.generator)),
        "fcd_untrained": untrained,
        "score": metrics.classifier_score(judged.probabilities),
        "rarest": metrics.class_shares(judged.probabilities).min(),
        "named": (judged.probabilities.max(axis=1) >= 0.9).mean(),
    }
    return {name: float(f"{value:.4g}") for name, value in values.items()}


def recipe_of(change: str, course_seed: int) -> dcgan.Recipe:
    """Return the recipe of the lesson under a COURSE_SEED, with a change."""
    seed = 10_000 * course_seed + LESSON
    return dcgan.Recipe(seed=seed, **CHANGES.get(change, {}))


def go_on() -> None:
    """Do the runs that are not in the file yet.

    Raises:
        DataError: the full MNIST is not at hand.
    """
    data.need_full("This study")
    about = {
        "command": "python -m studies.live_runs",
        "protocol": "5,000 samples v holdout, full MNIST",
        "machine": runtime.machine(),
        "steps": N_STEPS,
    }
    order = [*CHANGES, *WITHOUT]
    record = Record(RESULTS, about, ("change", "seed"), order)
    for change in order:
        for k in seeds_of(change):
            if (change, k) not in record:
                recipe = recipe_of(change, k)
                row = {"change": change, "seed": k}
                row |= measure(recipe, N_STEPS, change)
                record.add(row | {"recipe": dataclasses.asdict(recipe)})


def main() -> None:
    """Go on with the record, unless another run does."""
    with alone(RESULTS):
        go_on()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="a COURSE_SEED")
    course_seed = parser.parse_args().seed
    if course_seed is None:
        main()
    else:
        print(json.dumps(measure(recipe_of(OURS, course_seed), N_STEPS)))
