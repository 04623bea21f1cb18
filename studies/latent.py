"""Do styles pay, and is w better than z? python -m studies.latent.

Six generators against the same D. For each one of three weights of the penalty
is chosen by FCD on `validation`, on a seed that is not reported (those that
differ from a quick mapping in one thing take its weight); then three fresh
seeds train with it and are judged against `holdout` after equal time, by what
a step of each costs when all are timed side by side, and after equal steps.
At the end, what lies in z and in w. Last, the shipped generator over
truncation. A row of data/results/08_latent.json is written when it is
measured, so that an interrupted call goes on. Several workers (--workers)
take one thread each.
"""

import argparse
import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from helpers import checkpoints, data, metrics, runtime, training
from helpers.backend import keras, layers
from helpers.lessons import conditional, dcgan, latent, stylegan
from studies.conditional import judged_split, ten_times
from studies.record import Record
from studies.stability import mapped, side_by_side
from tools.alone import alone

GAMMAS = (1.0, 3.0, 10.0)
TUNING, REPORTED = latent.TUNING, (0, 1, 2)  # seeds
PLAIN, TWIN, QUICK = "DCGAN", "same layers, no styles", "styles, quick mapping"
STYLES, MIXED, WITHOUT = "styles", "styles, mixed", "styles, no mapping"
TUNED = (PLAIN, TWIN, QUICK)  # the others: as QUICK
DESIGNS = (*TUNED, STYLES, MIXED, WITHOUT)
MAPPINGS = {QUICK: {"slow": 1.0}, WITHOUT: {"n_layers": 0}}
SHORT, LONG = 800, 2_000  # steps of a DCGAN that cost as much
Z_SEED, N_FIT, N_CODES = 10_000, 5_000, 10_000
FAR = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # deviations of slant, by the fit
SWAPS = ((0,), (1,), (2,), (0, 1), (1, 2))
PSI = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
N_SETS = 5
SHIPPED = "style_generator"
Row = dict[str, Any]
Run = tuple[str, float, int, dict[str, int]]  # design, gamma, seed, marks


def build_twin(latent_dim: int, width: int) -> keras.Model:
    """Build lesson 03's G with the convolutions of a style generator."""

    def then() -> list[keras.Layer]:
        return [layers.BatchNormalization(momentum=0.9), layers.ReLU()]

    up = {"strides": 2, "padding": "same", "use_bias": False}
    same = {"padding": "same"}
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(49 * width, use_bias=False),
            layers.Reshape((7, 7, width)),
            *then(),
            layers.Conv2D(width, 3, use_bias=False, **same),
            *then(),
            layers.Conv2DTranspose(width // 2, 4, **up),
            *then(),
            layers.Conv2DTranspose(width // 4, 4, **up),
            *then(),
            layers.Conv2D(1, 3, activation="tanh", **same),
        ],
        name="generator",
    )


def build(design: str, gamma: float, seed: int) -> dcgan.Gan:
    """Build a run of one design."""
    recipe = stylegan.Recipe(seed, r1_gamma=gamma)
    if design == PLAIN:
        return dcgan.build_gan(recipe)
    size = recipe.latent_dim, recipe.width
    if design == TWIN:
        return dcgan.assemble(
            recipe,
            lambda: build_twin(*size),
            lambda: dcgan.build_discriminator(recipe.d_width),
        )
    if design == MIXED:
        recipe = dataclasses.replace(recipe, mixing=0.5)
    kind = MAPPINGS.get(design, {})
    return stylegan.assemble(
        recipe,
        lambda: stylegan.join(
            stylegan.build_mapping(size[0], **kind),
            stylegan.build_synthesis(*size),
        ),
    )


def judged(gan: dcgan.Gan, split: str) -> Row:
    """Judge as many samples as the split has images."""
    real, y = judged_split(split)
    z = training.sample_z(len(y), gan.recipe.latent_dim, Z_SEED, 0)
    fake = metrics.judge(gan.draw(z))
    far = metrics.frechet_distance(fake.features, real.features)
    both = metrics.precision_recall(real.features, fake.features)
    precision, recall = (round(float(v), 4) for v in both)
    return {"fcd": round(far, 2), "precision": precision, "recall": recall}


def linear_class(codes: np.ndarray, named: np.ndarray) -> float:
    """Return how often a linear classifier of codes says what the judge does,
    fitted on the first N_FIT."""
    codes = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    model = LogisticRegression(max_iter=300)
    model.fit(codes[:N_FIT], named[:N_FIT])
    return round(float(model.score(codes[N_FIT:], named[N_FIT:])), 4)


def moves(
    draw: Callable, codes: np.ndarray, way: np.ndarray, deviation: float
) -> Row:
    """Move codes along a way; measure the slant, and look at the class."""
    before = draw(codes)
    named, slant = conditional.named(before), latent.moments(before)[:, 0]
    row: Row = {"shift": [], "kept": []}
    for far in FAR:
        after = draw((codes + far * way).astype("float32"))
        shift = (latent.moments(after)[:, 0] - slant).mean() / deviation
        row["shift"].append(round(float(shift), 3))
        kept = (conditional.named(after) == named).mean()
        row["kept"].append(round(float(kept), 4))
    return row


def read_codes(draw: Callable, codes: np.ndarray, seed: int) -> Row:
    """Ask what a linear fit finds in codes, and move them by it."""
    images = draw(codes)
    named, values = conditional.named(images), latent.moments(images)
    row: Row = {
        name: round(latent.explained(codes, column, N_FIT), 4)
        for name, column in zip(latent.MOMENTS, values.T, strict=True)
    }
    row["class"] = linear_class(codes, named)
    slant = values[:, 0]
    way = latent.common_direction(codes[:N_FIT], slant[:N_FIT])
    start = codes[N_FIT : N_FIT + 1_000]
    per_deviation = way / max(row["slant"], 0.05)
    row["moved"] = moves(draw, start, per_deviation, slant.std())
    # As far, as the codes' own spread counts it, in a random direction.
    rng = np.random.default_rng(seed)
    spread = np.cov(codes.T) + 1e-6 * np.eye(codes.shape[1])
    length = np.sqrt(per_deviation @ np.linalg.solve(spread, per_deviation))
    other = np.linalg.cholesky(spread) @ rng.normal(size=len(way))
    other *= length / np.sqrt(other @ np.linalg.solve(spread, other))
    row["random"] = moves(draw, start, other, slant.std())
    return row


def swaps(generator: keras.Model, w: np.ndarray) -> list[Row]:
    """Take some sizes' style from another image; whom does the result follow?

    Args:
        generator: the network.
        w: an even number of codes.

    Returns:
        A row a set of sizes: share whose class is the receiver's, the
        donor's; and for each moment the two weights of a linear fit.
    """
    half = len(w) // 2
    a, b = (
        np.repeat(part[:, None], stylegan.N_SIZES, axis=1)
        for part in (w[:half], w[half:])
    )
    whole = [latent.read(stylegan.from_w(generator, x)) for x in (a, b)]
    rows = []
    for sizes in SWAPS:
        mixed = a.copy()
        mixed[:, sizes] = b[:, sizes]
        images = stylegan.from_w(generator, mixed)
        found = latent.traits(*whole, latent.read(images))
        row: Row = {"sizes": list(sizes)}
        row |= {k: round(found[k], 4) for k in ("receiver", "donor")}
        for name in latent.MOMENTS:
            row[name] = [round(float(x), 3) for x in found[name]]
        rows.append(row)
    return rows


def noise_alone(generator: keras.Model, w: np.ndarray) -> Row:
    """Compare two draws of noise with two draws of w, in pixels and class."""
    rng = np.random.default_rng(0)
    shape = (len(w), 28, 28, 1)
    first, second, other = (
        stylegan.from_w(generator, codes, rng.normal(size=shape))
        for codes in (w, w, w[::-1])
    )
    change = [float(np.square(x - first).mean()) for x in (second, other)]
    same = conditional.named(first) == conditional.named(second)
    return {
        "pixels": round(change[0] / change[1], 4),
        "class kept": round(float(same.mean()), 4),
    }


def read(gan: dcgan.Gan) -> Row:
    """Ask what lies in z, and in w where there is one."""
    z = np.asarray(training.sample_z(N_CODES, 64, Z_SEED, 1))
    row: Row = {"z": read_codes(gan.draw, z, gan.recipe.seed)}
    if isinstance(gan, stylegan.StyleGan):
        generator = gan.average
        w = stylegan.to_w(generator, z)
        draw = functools.partial(stylegan.from_w, generator)
        row["w"] = read_codes(draw, w, gan.recipe.seed)
        row["swaps"] = swaps(generator, w[:4_000])
        row["noise"] = noise_alone(generator, w[:500])
    return row


def measure(run: Run) -> Row:
    """Train one design; judge it at each mark."""
    design, gamma, seed, marks = run
    x, _ = data.load("train")
    gan = build(design, gamma, seed)
    row: Row = {"kind": "design", "design": design}
    row |= {"gamma": gamma, "seed": seed, "marks": {}}
    split = "validation" if seed == TUNING else "holdout"
    marked = sorted(marks.items(), key=lambda pair: pair[1])
    for mark, steps in marked[-1:] if seed == TUNING else marked:
        if not training.fit(gan, x, steps):
            raise KeyboardInterrupt
        row["marks"][mark] = {"steps": steps} | judged(gan, split)
    return row if seed == TUNING else row | {"codes": read(gan)}


def cost(rounds: int = 15) -> list[Row]:
    """Time a step of all designs in turn; return a row each.

    Args:
        rounds: how often each design is timed.

    Returns:
        `ms`, the median over rounds, and `ratio`, the median of its time
        over that of a DCGAN in the same round, to a hundredth.
    """
    x, _ = data.load("train", 64)
    takes = {}
    for design in DESIGNS:
        gan = build(design, 10.0, 0)
        take = training.compile_step(gan)
        takes[design] = functools.partial(ten_times, take, (x,))
        takes[design]()  # compiled
    return [
        {
            "kind": "cost",
            "design": design,
            "gamma": 10.0,
            "seed": 0,
            "ms": round(seconds / 10 * 1_000, 2),
            "ratio": round(ratio, 2),
        }
        for design, (seconds, ratio) in side_by_side(takes, rounds).items()
    ]


def truncated(psi: float) -> Row:
    """Judge the shipped generator, its codes drawn towards their mean."""
    model = checkpoints.load(SHIPPED)
    real, y = judged_split("holdout")
    z = training.sample_z(N_CODES, 64, Z_SEED, 1)
    centre = stylegan.to_w(model, z).mean(axis=0)
    found: dict[str, list[float]] = {}
    for k in range(N_SETS):
        w = stylegan.to_w(model, training.sample_z(len(y), 64, Z_SEED, k))
        images = stylegan.from_w(model, centre + psi * (w - centre))
        fake = metrics.judge(images)
        both = metrics.precision_recall(real.features, fake.features)
        far = metrics.frechet_distance(fake.features, real.features)
        sharp = metrics.laplacian_variance(images).mean()
        sure = fake.probabilities.max(axis=1).mean()
        rarest = metrics.class_shares(fake.probabilities).min()
        names = "fcd", "precision", "recall", "sharpness", "sure", "rarest"
        for key, v in zip(
            names, (far, *both, sharp, sure, rarest), strict=True
        ):
            found.setdefault(key, []).append(float(v))
    row: Row = {
        "kind": "truncation",
        "design": SHIPPED,
        "gamma": psi,
        "seed": 0,
    }
    for key, values in found.items():
        interval = metrics.set_interval(np.array(values))
        row[key] = [float(f"{v:.4g}") for v in interval]
    return row


def go_on(record: Record, each: Callable) -> None:
    """Choose a weight for each design, then run it on fresh seeds."""
    ratio = {r["design"]: r["ratio"] for r in record.rows if "ratio" in r}
    equal = round(LONG / ratio[QUICK])

    def marks(design: str) -> dict[str, int]:
        timed = {
            "short": round(SHORT / ratio[design]),
            "long": round(LONG / ratio[design]),
        }
        return timed | {"equal steps": equal}

    def work(settings: list[tuple[str, float, int]]) -> None:
        todo = [
            (*setting, marks(setting[0]))
            for setting in settings
            if ("design", *setting) not in record
        ]
        for row in each(measure, todo):
            record.add(row)

    work([(d, gamma, TUNING) for d in TUNED for gamma in GAMMAS])
    rows = {record.key(row): row for row in record.rows}

    def best(design: str) -> float:
        name = design if design in TUNED else QUICK

        def fcd(gamma: float) -> float:
            (reading,) = rows["design", name, gamma, TUNING]["marks"].values()
            return reading["fcd"]

        return min(GAMMAS, key=fcd)

    work([(d, best(d), seed) for seed in REPORTED for d in DESIGNS])


def main(workers: int = 1) -> None:
    """Do the runs that have no row yet."""
    data.need_full("This study")
    about = {
        "command": "python -m studies.latent",
        "protocol": "5,000 samples of the average v holdout; weights of the "
        "penalty chosen with 6,000 v validation",
        "machine": f"{runtime.machine()}, {workers} runs at a time",
    }
    keys = ("kind", "design", "gamma", "seed")
    kinds = ["cost", "design", "truncation"]
    record = Record(latent.RECORD, about, keys, kinds)
    if not any("ratio" in row for row in record.rows):
        for row in cost():
            record.add(row)
    with mapped(workers) as each:
        go_on(record, each)
    if SHIPPED in checkpoints.available():
        for psi in PSI:
            if ("truncation", SHIPPED, psi, 0) not in record:
                record.add(truncated(psi))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    with alone(latent.RECORD):
        main(given.workers)
