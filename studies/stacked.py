"""How many of 1,000 stacked digits does a GAN find? python -m studies.stacked.

Three digits as the three channels of one image have 1,000 combinations (Metz
et al., arXiv:1611.02163, section 3.3.1). The training images hold all of them,
or 100. The judge reads each channel of what is drawn, so that one can count
which of them come, and how much falls on those that were not there. A row of
data/results/05_stacked.json is written when it is measured, so that an
interrupted call goes on. Several workers (--workers) take one thread each.
"""

import argparse
import dataclasses
import functools
import itertools
from typing import Any, ClassVar

import numpy as np
from scipy import special

from helpers import data, metrics, runtime, training
from helpers.backend import keras, layers, ops, tf
from helpers.data import Images
from helpers.lessons import dcgan, stability
from studies.games import Way
from studies.record import Record
from studies.stability import digits_step, mapped
from tools.alone import alone

RECORD = stability.STACKED
KIND = Images(28, 3)
KEYS = ("n_modes", "way", "beta_1", "seed", "steps")
N_MODES, N_TRAIN, N_SAMPLES = (100, 1_000), 20_000, 10_000
N_STEPS, RATE, Z_SEED = 1_500, 1e-3, 10_000
D_WIDTHS = {"D a quarter as wide": 8, "D twice as wide": 64}  # else 32
WAYS = ("plain", "R1", "minibatch deviation", "packing", *D_WIDTHS)
BETAS, SEEDS = (0.5, 0.0), (0, 1, 2)
LONGER = (  # kinds, way, steps
    (100, "plain", 4_500),
    (100, "R1", 4_500),
    (100, "D twice as wide", 4_500),
    (1_000, "plain", 2_500),  # as long as 1,500 steps with D twice as wide
)
REAL = ("real", 0.0, 0, 0)  # instead of a run


class MinibatchDeviation(layers.Layer):
    """Add a map that says how much the images of a batch differ.

    Standard deviations over the batch, their mean in one number (Karras et
    al., arXiv:1710.10196, section 3).
    """

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(n, side, side, maps) -> (n, side, side, maps + 1)."""
        spread = ops.mean(ops.sqrt(ops.var(x, axis=0) + 1e-8))
        return ops.concatenate([x, 0 * x[..., :1] + spread], axis=-1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        """Say that there is one map more."""
        return (*shape[:-1], shape[-1] + 1)


class Packing(layers.Layer):
    """Lay every two images on each other (PacGAN; Lin et al.,
    arXiv:1712.04086, section 3)."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """(n, side, side, channels) -> (n / 2, side, side, 2 channels)."""
        return ops.concatenate([x[::2], x[1::2]], axis=-1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        """Say that the channels are twice as many."""
        return (None, *shape[1:-1], 2 * shape[-1])


class Stacked(dcgan.Gan):
    """A run of lesson 03 on images of three channels."""

    IMAGES: ClassVar[Images] = KIND


def build(way: str, beta_1: float, seed: int) -> Stacked:
    """Build the networks of lesson 03 for three channels and one way."""
    recipe = dcgan.Recipe(
        seed,
        d_width=D_WIDTHS.get(way, 32),
        learning_rate=RATE,
        beta_1=beta_1,
        r1_gamma=10.0 if way == "R1" else 0.0,
    )

    def make_generator() -> keras.Model:
        *most, last = dcgan.build_generator(recipe.latent_dim).layers
        last = layers.Conv2DTranspose.from_config(
            last.get_config() | {"filters": 3}
        )
        z = keras.Input((recipe.latent_dim,))
        return keras.Sequential([z, *most, last])

    def make_discriminator() -> keras.Model:
        first, *most = dcgan.build_discriminator(recipe.d_width).layers
        first = layers.Conv2D.from_config(first.get_config())
        if way == "packing":
            most.insert(0, first)
            first = Packing()
        if way == "minibatch deviation":
            flat = next(
                k for k, x in enumerate(most) if isinstance(x, layers.Flatten)
            )
            dense = layers.Dense.from_config(most[flat + 1].get_config())
            most[flat : flat + 2] = [MinibatchDeviation(), most[flat], dense]
        return keras.Sequential([keras.Input(KIND.shape), first, *most])

    gan = dcgan.assemble(recipe, make_generator, make_discriminator)
    names = (field.name for field in dataclasses.fields(gan))
    stacked = Stacked(**{name: getattr(gan, name) for name in names})
    step = digits_step(Way(r1=recipe.r1_gamma))
    stacked.compiled = training.compile_step(stacked, step)
    return stacked


def chosen_modes(n_modes: int) -> np.ndarray:
    """Return which combinations the training images hold, (n_modes,), sorted.

    If not all, then none has a digit twice: of an image without form the judge
    says the same of each channel, and that must not count.
    """
    if n_modes == 1_000:
        return np.arange(n_modes)
    apart = [k for k in range(1_000) if len(set(f"{k:03}")) == 3]
    rng = np.random.default_rng(0)
    return np.sort(rng.choice(apart, n_modes, replace=False))


def stack(
    x: np.ndarray, y: np.ndarray, modes: np.ndarray, n: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Stack digits of the classes that combinations ask for.

    Args:
        x: images (m, 28, 28, 1) in [-1, 1].
        y: their classes (m,).
        modes: combinations, 0 to 999; the hundreds are the first channel.
        n: how many stacks.
        seed: of the draw.

    Returns:
        Images (n, 28, 28, 3) and the combination of each (n,).
    """
    rng = np.random.default_rng(seed)
    drawn = rng.choice(modes, n)
    channels = []
    for base in (100, 10, 1):
        asked = drawn // base % 10
        rows = np.zeros(n, dtype=int)
        for digit in range(10):
            here = asked == digit
            rows[here] = rng.choice(np.flatnonzero(y == digit), here.sum())
        channels.append(x[rows])
    return np.concatenate(channels, axis=-1), drawn


def read(images: np.ndarray) -> np.ndarray:
    """Return the combination that the judge reads in each image, (n,)."""
    digits = [
        metrics.judge(images[..., k : k + 1]).probabilities.argmax(axis=1)
        for k in range(3)
    ]
    return digits[0] * 100 + digits[1] * 10 + digits[2]


def count(read_modes: np.ndarray, modes: np.ndarray) -> dict[str, Any]:
    """Count what came.

    Args:
        read_modes: combinations of the samples, (n,).
        modes: those of the training images.

    Returns:
        `modes` with at least a quarter of a fair share, `once` those that
        came at all, `share` of the samples on any of them, and `kl`, nats,
        from equal shares among these samples.
    """
    times = np.bincount(read_modes, minlength=1_000)[modes]
    fair = len(read_modes) / len(modes)
    share = times / max(times.sum(), 1)
    return {
        "modes": int((times >= fair / 4).sum()),
        "once": int((times > 0).sum()),
        "share": round(float(times.sum() / len(read_modes)), 4),
        "kl": round(float(special.rel_entr(share, 1 / len(modes)).sum()), 4),
    }


@functools.cache
def training_images(n_modes: int) -> np.ndarray:
    """Return the stacks that all runs of so many modes learn from."""
    return stack(*data.load("train"), chosen_modes(n_modes), N_TRAIN, 1)[0]


def measure(run: tuple[int, str, float, int, int]) -> dict[str, Any]:
    """Train one run; return its row."""
    n_modes, *setting, n_steps = run
    row = dict(zip(KEYS, run, strict=True))
    gan = build(*setting)
    try:
        if not training.fit(gan, training_images(n_modes), n_steps):
            raise KeyboardInterrupt
    except FloatingPointError:
        return row | {"broke": len(gan.history)}
    z = training.sample_z(N_SAMPLES, gan.recipe.latent_dim, Z_SEED, 0)
    row["ms"] = round(gan.history[-1][1] / n_steps * 1_000, 1)
    return row | count(read(gan.draw(z)), chosen_modes(n_modes))


def measure_real(n_modes: int) -> dict[str, Any]:
    """Return a row of stacks of digits that no run learnt from."""
    modes = chosen_modes(n_modes)
    x, drawn = stack(*data.load("validation"), modes, N_SAMPLES, 2)
    row = dict(zip(KEYS, (n_modes, *REAL), strict=True))
    right = round(float((read(x) == drawn).mean()), 4)
    return row | count(read(x), modes) | {"right": right}


def main(workers: int = 1) -> None:
    """Do the runs that have no row yet."""
    data.need_full("This study")
    about = {
        "command": "python -m studies.stacked",
        "protocol": f"{N_SAMPLES:,} samples of the average",
        "machine": f"{runtime.machine()}, {workers} runs at a time",
    }
    record = Record(RECORD, about, KEYS, N_MODES)
    for n_modes in N_MODES:
        if (n_modes, *REAL) not in record:
            record.add(measure_real(n_modes))
    runs = [
        *itertools.product(N_MODES, WAYS, BETAS, SEEDS, [N_STEPS]),
        *((k, way, 0.0, seed, n) for k, way, n in LONGER for seed in SEEDS),
    ]
    with mapped(workers) as each:
        for row in each(measure, [run for run in runs if run not in record]):
            record.add(row)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    with alone(RECORD):
        main(parser.parse_args().workers)
