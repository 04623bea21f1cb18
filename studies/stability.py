"""Which way to play fails, and how often? python -m studies.stability.

Nine ways, each with three values of Adam's beta_1, on eight points in a ring,
25 in a grid, and digits. For each of them one of three learning rates is
chosen on seeds that are not reported; then five fresh seeds train with it. A
row of data/results/05_stability.json is written when it is measured, so that
an interrupted call goes on; tasks after the command select among them.
"""

import argparse
import dataclasses
import sys
from typing import Any

import numpy as np

from helpers import data, metrics, runtime, training
from helpers.backend import keras, ops, tf
from helpers.lessons import dcgan, stability
from studies.games import Points, Way, losses
from studies.record import Record
from tools.alone import alone

RECORD = runtime.ROOT / "data" / "results" / "05_stability.json"
BETAS = (0.0, 0.5, 0.9)
TUNING = {"ring": (100, 101), "grid": (100, 101), "digits": (100,)}  # seeds
REPORTED = (0, 1, 2, 3, 4)
POINTS = {"ring": stability.ring(), "grid": stability.grid()}
RATES = {"ring": (1e-3, 2e-3, 5e-3), "grid": (1e-3, 2e-3, 5e-3)}
RATES["digits"] = (5e-4, 1e-3, 2e-3)
N_STEPS, EVERY = 4_000, 250  # of G, on points
TUNED_AT = [("seconds", 10)]  # of training, on digits
MARKS = [("seconds", 5), ("seconds", 10), ("seconds", 20)]
MARKS += [("steps", 400), ("steps", 800)]  # of G
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
            a = tf.random.stateless_uniform(shape, (gan.recipe.seed, gan.step))
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
        dcgan.update_average(gan)
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


def digits(
    way: str,
    beta_1: float,
    rate: float,
    seed: int,
    marks: list[tuple[str, float]],
    x_train: np.ndarray,
    real: metrics.Judgement,
) -> Row:
    """Train on digits up to the last mark; return its row.

    Args:
        way: one of `ways`.
        beta_1: Adam's, both networks.
        rate: Adam's learning rate, of D.
        seed: of the run.
        marks: ("seconds" or "steps" of G, value), where it is judged.
        x_train: images (n, 28, 28, 1) in [-1, 1].
        real: the judgement of the reference.
    """
    kind = ways("digits")[way]
    gan, step = build_digits(kind, beta_1, rate, seed), digits_step(kind)
    row = {"task": "digits", "way": way, "beta_1": beta_1, "rate": rate}
    row |= {"seed": seed, "marks": {}}
    gan.compiled = training.compile_step(gan, step)
    left = list(marks)

    def reached() -> list[tuple[str, float]]:
        steps, seconds = gan.history[-1][:2] if gan.history else (0, 0)
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
    if gan.history:  # else it broke at once
        steps, seconds = gan.history[-1][:2]
        row["ms"] = round(seconds / steps * 1_000, 1)
    return row


def score(row: Row) -> float:
    """Return what chooses a rate, the smaller the better."""
    if row["task"] in POINTS:
        late = row["modes"][-4:]
        return -float(np.mean(late)) - float(np.mean(row["share"][-4:])) / 100
    if "broke" in row:
        return np.inf
    return [*row["marks"].values()][-1]["fcd"]


class Study:
    """What is measured so far, and what comes next.

    Args:
        record: of all rows.
        task: ring, grid or digits.
    """

    def __init__(self, record: Record, task: str) -> None:
        """Load the images, where they are needed."""
        self.record, self.task = record, task
        if task not in POINTS:
            data.need_full("This study")
            self.x_train, _ = data.load("train")
            self.real = metrics.judge(data.load("validation")[0])

    def rows(
        self, way: str, beta_1: float, rate: float, seeds: tuple[int, ...]
    ) -> list[Row]:
        """Return the rows of these seeds; measure what has none."""
        keys = [(self.task, way, beta_1, rate, seed) for seed in seeds]
        if self.task in POINTS:
            if not all(key in self.record for key in keys):
                for row in points(self.task, way, beta_1, rate, seeds):
                    self.record.add(row)
        else:
            tuned = seeds == TUNING[self.task]
            marks = TUNED_AT if tuned else MARKS
            for key in keys:
                if key not in self.record:
                    row = digits(*key[1:], marks, self.x_train, self.real)
                    self.record.add(row)
        return [
            row for row in self.record.rows if self.record.key(row) in keys
        ]

    def go_on(self) -> None:
        """Choose a rate for each way, then run it on fresh seeds."""
        for beta_1 in BETAS:
            for way in ways(self.task):
                mean = {}
                for rate in RATES[self.task]:
                    tried = self.rows(way, beta_1, rate, TUNING[self.task])
                    mean[rate] = np.mean([score(row) for row in tried])
                best = min(mean, key=mean.get)
                self.rows(way, beta_1, best, REPORTED)


def main(tasks: list[str]) -> None:
    """Do the runs of these tasks that have no row yet."""
    about = {
        "command": "python -m studies.stability",
        "protocol": f"points: {N_STEPS:,} steps of G, 4,000 points counted "
        f"every {EVERY}; digits: {N_SAMPLES:,} samples of the average v "
        "validation",
        "machine": runtime.machine(),
    }
    record = Record(RECORD, about, ("task", "way", "beta_1", "rate", "seed"))
    for task in tasks:
        Study(record, task).go_on()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", choices=[*RATES], default=[*RATES])
    with alone(RECORD):
        main(parser.parse_args().tasks)
