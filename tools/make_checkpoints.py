"""Train a shipped checkpoint: python -m tools.make_checkpoints NAME.

NAME is digit_classifier (the judge), dcgan (generator and discriminator),
vae2 or vae10 (encoder and decoder in one file).
A run saves its state as it goes, so that it can be stopped with Ctrl-C and
goes on exactly where it stood when called again. With --measure nothing is
trained: the shipped files are measured again, and their cards say the rest.
"""

import argparse
import dataclasses
import json
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from helpers import (
    checkpoints,
    data,
    metrics,
    models,
    runtime,
    scoring,
    training,
)
from helpers.lessons import evaluation, vae
from tools.alone import alone

import keras  # isort: skip  (helpers silences TensorFlow, so it comes first)
import numpy as np  # isort: skip

BUILD = runtime.ROOT / "build"
SAVE_EVERY = 1_000  # steps; about 40 seconds of work on two cores
TEST_SEED = 10_000  # of the samples that a card reports on
BINARY_SEED = 0  # of the binary images on which a card reports bounds
N_DRAWS = 50  # of z for each image, for the bounds


@dataclasses.dataclass(frozen=True)
class GanPlan:
    """A pair of networks to make: what to train, and for how long."""

    recipe: training.Recipe
    n_steps: int


@dataclasses.dataclass(frozen=True)
class VaePlan:
    """A VAE to make; its recipe says for how long."""

    recipe: vae.VaeRecipe


@dataclasses.dataclass(frozen=True)
class ClassifierPlan:
    """A classifier to make.

    Attributes:
        seed: of weights, order, shifts and dropout.
        epochs: passes over the data; the learning rate falls to 0 on a
            cosine over all of them.
        batch_size: images a step.
        learning_rate: Adam's, at the start.
        dropout: as in `models.build_classifier`.
        max_shift: pixels by which an image may be moved either way, anew in
            each epoch.
    """

    seed: int
    epochs: int
    batch_size: int = 128
    learning_rate: float = 2e-3
    dropout: float = 0.4
    max_shift: int = 1


PLANS = {
    "digit_classifier": ClassifierPlan(seed=2_026, epochs=16),
    "dcgan": GanPlan(
        training.Recipe(seed=2_026, ema_decay=0.999),
        n_steps=20_000,
    ),
    "vae2": VaePlan(vae.VaeRecipe(seed=2_026, n_steps=20_000, latent_dim=2)),
    "vae10": VaePlan(vae.VaeRecipe(seed=2_026, n_steps=50_000)),
}


def _card(name: str, plan: object, **entries: object) -> dict:
    """Record what was trained, on what, with which command and versions."""
    versions = {package: version(package) for package in ("keras", "numpy")}
    return {
        **entries,
        "command": f"python -m tools.make_checkpoints {name}",
        "plan": dataclasses.asdict(plan),
        "protocol": f"{scoring.PROTOCOL.stem}: the figures on holdout",
        "trained_on": "train split of the full MNIST, 54,000 images",
        "machine": f"{platform.machine()}, {os.cpu_count()} CPU cores",
        "versions": versions | {"tensorflow": training.tf.__version__},
        "licence": "CC BY-SA 3.0, as the images it was trained on",
    }


def _rounded(interval: metrics.Interval) -> dict[str, float]:
    """Return an interval for a card, four significant digits."""
    return {k: float(f"{v:.4g}") for k, v in interval._asdict().items()}


# The classifier


def _shifted(x: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Move each image by up to `most` pixels, with black behind it."""
    around = ((0, 0), (most, most), (most, most), (0, 0))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, around, constant_values=-1), (28, 28), axis=(1, 2)
    )  # (n, 2 most + 1, 2 most + 1, 1, 28, 28)
    down, right = rng.integers(0, 2 * most + 1, (2, len(x)))
    return windows[np.arange(len(x)), down, right].transpose(0, 2, 3, 1)


def _new_classifier(plan: ClassifierPlan, n: int) -> keras.Model:
    """Build and compile the classifier; n images an epoch."""
    keras.utils.set_random_seed(plan.seed)
    model = models.build_classifier(plan.dropout)
    steps = plan.epochs * -(-n // plan.batch_size)
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(plan.learning_rate, steps)
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def train_classifier(
    plan: ClassifierPlan,
    x: np.ndarray,
    y: np.ndarray,
    state: Path,
    stop_after: int | None = None,
) -> tuple[keras.Model, float]:
    """Train epoch by epoch, saving after each; go on where the file stands.

    Args:
        plan: what to train.
        x: images (n, 28, 28, 1) in [-1, 1].
        y: labels (n,).
        state: a .keras file: weights, optimiser and random state. Beside it
            stands a JSON file with plan, epochs and seconds.
        stop_after: epochs after which to return; all of them by default.

    Returns:
        The model and its seconds of training.
    """
    notes = state.with_suffix(".json")
    model, done, seconds = None, 0, 0.0
    if notes.exists():
        found = json.loads(notes.read_text(encoding="utf-8"))
        if found["plan"] == dataclasses.asdict(plan):
            model = keras.models.load_model(state.with_suffix(found["file"]))
            done, seconds = found["epochs"], found["seconds"]
    model = model or _new_classifier(plan, len(x))
    for epoch in range(done, min(plan.epochs, stop_after or plan.epochs)):
        rng = np.random.default_rng([plan.seed, epoch])
        order = rng.permutation(len(x))
        for k, layer in enumerate(model.layers):
            if isinstance(layer, keras.layers.Dropout):
                # A saved model does not hold the state of its dropout.
                layer.seed_generator.state.assign((plan.seed + k, epoch))
        start = time.perf_counter()
        model.fit(
            _shifted(x[order], plan.max_shift, rng),
            y[order],
            batch_size=plan.batch_size,
            shuffle=False,
            verbose=0,
        )
        seconds += time.perf_counter() - start
        # Two files in turn: the notes name the one that is whole.
        suffix = f".{epoch % 2}.keras"
        model.save(state.with_suffix(suffix))
        found = {
            "plan": dataclasses.asdict(plan),
            "epochs": epoch + 1,
            "seconds": seconds,
            "file": suffix,
        }
        runtime.write_json(notes, found)
        print(f"epoch {epoch + 1} of {plan.epochs}", flush=True)
    return model, seconds


def calibration_error(
    probabilities: np.ndarray, y: np.ndarray, n_bins: int = 15
) -> float:
    """Expected calibration error: |confidence - accuracy|, mean over bins.

    Guo et al., arXiv:1706.04599, equation 3: bins of equal width, weighted
    by how many images fall into them.

    Args:
        probabilities: (n, classes).
        y: labels (n,).
        n_bins: how many bins of the confidence, from 0 to 1.

    Returns:
        0 (calibrated) to 1.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gap = np.bincount(bins, confidence - right, n_bins)
    return float(np.abs(gap).sum() / len(y))


def _floors(test: np.ndarray) -> dict[str, float]:
    """Measure the FCD between sets of real images that nobody learnt from."""
    validation = metrics.judge(data.load("validation")[0]).features
    order = np.random.default_rng(0).permutation(len(test))
    n, half = len(validation), len(test) // 2
    halves = {
        "halves of test at random, 5,000 each": test[order],
        "first half of test v second half, 5,000 each": test,
    }
    floors = {
        f"validation v {n:,} of test at random": metrics.frechet_distance(
            validation, test[order[:n]]
        )
    }
    for name, rows in halves.items():
        floors[name] = metrics.frechet_distance(rows[:half], rows[half:])
    return {name: round(value, 3) for name, value in floors.items()}


def _report_on_real_digits() -> dict[str, dict]:
    """Measure unseen real digits as if a generator had drawn them."""
    real = metrics.judge(data.load("holdout")[0])
    images, _ = data.load("test")
    n = len(real.features)
    rows = np.random.default_rng(0).permutation(len(images))[:n]
    scores = metrics.score_fixed_set(images[rows], real)
    return {k: _rounded(v) for k, v in scores.items()}


def _report_on_classifier(name: str) -> dict[str, object]:
    """Measure the classifier that is in place on validation and test."""
    report = {}
    for split in ("validation", "test"):
        x, y = data.load(split)
        judged = metrics.judge(x)
        right = judged.probabilities.argmax(axis=1) == y
        report[f"accuracy on {split}"] = round(float(right.mean()), 4)
    per_class = [round(float(right[y == k].mean()), 4) for k in range(10)]
    chosen = judged.probabilities[np.arange(len(y)), y]
    likelihood = -np.log(np.maximum(chosen, 1e-300)).mean()
    return report | {
        "accuracy per class on test, 0 to 9": per_class,
        "mean confidence on test": round(
            float(judged.probabilities.max(axis=1).mean()), 4
        ),
        "expected calibration error on test, 15 bins": round(
            calibration_error(judged.probabilities, y), 4
        ),
        "negative log-likelihood on test, nats": round(float(likelihood), 4),
        "fcd floors": _floors(judged.features),
        evaluation.REAL: _report_on_real_digits(),
    }


def make_classifier(name: str, plan: ClassifierPlan) -> bool:
    """Train the judge, put it in place, measure it, complete its card.

    Args:
        name: of the checkpoint.
        plan: what to train.

    Returns:
        True.
    """
    x, y = data.load("train")
    trained, seconds = train_classifier(plan, x, y, BUILD / name)
    # A compiled model would save its optimiser, twice the size of the weights.
    model = models.build_classifier(plan.dropout)
    model.set_weights(trained.get_weights())
    card = _card(
        name,
        plan,
        title="Classifier of digits; its 64 features judge the pictures",
        builder="build_classifier",
        arguments={"dropout": plan.dropout},
        training_seconds=round(seconds),
    )
    checkpoints.save(name, model, card)
    return True


# Runs that resume


def _resume(
    name: str,
    recipe: training.Recipe | vae.VaeRecipe,
    build: Callable[[Any], training.Run],
) -> training.Run:
    """Go on with a saved run of the same recipe, or begin one."""
    state = BUILD / f"{name}.state.npz"
    if state.exists():
        run = training.load_state(state, build, type(recipe))
        if run.recipe == recipe:
            return run
        print(f"{name}: {state.name} is of another recipe; beginning anew")
    return build(recipe)


def _train(
    name: str,
    run: training.Run,
    n_steps: int,
    progress: Callable[[training.Run], str],
) -> bool:
    """Train, save and say how it stands; return False after an interrupt.

    Recipe and length are chosen by these lines, not by `test`.
    """
    x_train, _ = data.load("train")
    with training.interrupts_noted() as noted:
        while (step := int(run.step)) < n_steps:
            goal = min(step + SAVE_EVERY, n_steps)
            finished = training.fit(run, x_train, goal)
            training.save_state(run, BUILD / f"{name}.state.npz")
            print(f"step {int(run.step):,}: {progress(run)}", flush=True)
            if not finished or noted.count:  # perhaps while it was saved
                return False
    return True


def _report_on_samples(
    draw: Callable[[np.ndarray], np.ndarray], latent_dim: int
) -> dict[str, dict]:
    """Judge what a generator draws on three splits, 10 sets of samples each.

    Args:
        draw: z (n, latent_dim) -> images (n, 28, 28, 1) in [-1, 1].
        latent_dim: numbers in z.

    Returns:
        For each split the intervals by name, as `metrics.measures` has them.
    """
    report = {}
    for split in ("validation", "holdout", "test"):
        real = metrics.judge(data.load(split)[0])
        n = len(real.features)

        def sample(k: int, n: int = n) -> np.ndarray:
            return draw(training.sample_z(n, latent_dim, TEST_SEED, k))

        scores = metrics.score_generator(sample, real)
        name = f"{split}, {n:,} samples, 10 sets"
        report[name] = {k: _rounded(v) for k, v in scores.items()}
    return report


# The GAN


def _report_on_generator(name: str) -> dict[str, dict]:
    """Measure the generator that is in place."""
    model = checkpoints.load(name)

    def draw(z: np.ndarray) -> np.ndarray:
        return training.generate(model, z)

    return _report_on_samples(draw, model.input_shape[-1])


def make_gan(name: str, plan: GanPlan) -> bool:
    """Train a pair, measure its average generator, write both networks.

    Args:
        name: the pair becomes name_generator and name_discriminator.
        plan: what to train, and for how long.

    Returns:
        False after an interrupt: nothing is written yet.
    """
    real = metrics.judge(data.load("validation")[0])

    def progress(run: training.Run) -> str:
        n = len(real.features)
        z = training.sample_z(n, run.recipe.latent_dim, TEST_SEED, 0)
        features = metrics.judge(run.draw(z)).features
        fcd = metrics.frechet_distance(features, real.features)
        return f"validation FCD {fcd:.2f}"

    recipe = plan.recipe
    gan = _resume(name, recipe, training.build_gan)
    if not _train(name, gan, plan.n_steps, progress):
        return False
    card = _card(name, plan, training_seconds=round(gan.history[-1][1]))
    generator = card | {
        "title": "Average generator of the light DCGAN of lesson 03",
        "builder": "build_generator",
        "arguments": {"latent_dim": recipe.latent_dim, "width": recipe.width},
    }
    discriminator = card | {
        "title": "Discriminator that dcgan_generator was trained against",
        "builder": "build_discriminator",
        "arguments": {"width": recipe.d_width},
    }
    checkpoints.save(f"{name}_generator", gan.average, generator)
    checkpoints.save(f"{name}_discriminator", gan.discriminator, discriminator)
    return True


# The VAE


def _report_on_bounds(model: keras.Model) -> dict[str, dict]:
    """Measure what a VAE says of images binarised by sampling, in nats."""
    report = {}
    for split in ("validation", "holdout", "test"):
        images, _ = data.load(split)
        x = np.asarray(vae.binarise(images, BINARY_SEED, 0))
        mean, log_variance = vae.encode(model, x)
        weights = vae.weigh(model, x, N_DRAWS, TEST_SEED)
        kl = np.asarray(vae.kl_to_prior(mean, log_variance))
        values = {
            "elbo": weights.mean(axis=0),
            f"importance-weighted bound, {N_DRAWS} draws": vae.bound(weights),
            "kl": kl,
            "reconstruction loss": -weights.mean(axis=0) - kl,
        }
        name = f"{split}, binarised with seed {BINARY_SEED}, nats"
        report[name] = {
            k: _rounded(metrics.set_interval(v)) for k, v in values.items()
        }
        report[name]["active latent units"] = vae.active_units(mean)
    return report


def _report_on_vae(name: str) -> dict[str, dict]:
    """Measure the VAE that is in place: its samples and its bounds."""
    model = checkpoints.load(name)

    def draw(z: np.ndarray) -> np.ndarray:
        return vae.mean_images(model, z)

    latent_dim = model.get_layer("decoder").input_shape[-1]
    return _report_on_samples(draw, latent_dim) | _report_on_bounds(model)


def make_vae(name: str, plan: VaePlan) -> bool:
    """Train a VAE, measure it, write both networks into one file.

    Args:
        name: of the checkpoint.
        plan: what to train.

    Returns:
        False after an interrupt: nothing is written yet.
    """
    images, _ = data.load("validation")
    x = np.asarray(vae.binarise(images, BINARY_SEED, 0))

    def progress(run: training.Run) -> str:
        elbo = vae.weigh(run.model, x, 1, TEST_SEED).mean()
        return f"validation ELBO {elbo:.2f} nats"

    recipe = plan.recipe
    run = _resume(name, recipe, vae.build_run)
    if not _train(name, run, recipe.n_steps, progress):
        return False
    card = _card(
        name,
        plan,
        title=f"VAE with a latent space of {recipe.latent_dim} numbers",
        builder="build_vae",
        arguments={"latent_dim": recipe.latent_dim, "width": recipe.width},
        training_seconds=round(run.history[-1][1]),
    )
    checkpoints.save(name, run.model, card)
    return True


def measure(name: str) -> None:
    """Measure the files of one of `PLANS` as everybody reads them.

    The card of the network that is judged gets its figures anew; nothing else
    of it changes.

    Args:
        name: one of `PLANS`; its checkpoints are in place.

    Raises:
        DataError: the full MNIST is not at hand.
        CheckpointError: there is no such checkpoint, or it is damaged.
    """
    _need_full_data("measured")
    plan = PLANS[name]
    shipped = f"{name}_generator" if isinstance(plan, GanPlan) else name
    report = {
        ClassifierPlan: _report_on_classifier,
        GanPlan: _report_on_generator,
        VaePlan: _report_on_vae,
    }[type(plan)](shipped)
    card = checkpoints.card(shipped) | {"metrics": report}
    path = checkpoints.FOLDER / f"{shipped}.json"
    runtime.write_json(path, card)
    print(f"{shipped}: measured")


def _need_full_data(what: str) -> None:
    """Refuse MNIST-5k."""
    if data.source() == data.SMALL:
        raise data.DataError(
            f"A checkpoint is {what} on the full MNIST. {data.MEND}"
        )


def make(name: str) -> None:
    """Train one of `PLANS`, write weights and cards, and measure them.

    Args:
        name: one of `PLANS`.

    Raises:
        DataError: the full MNIST is not at hand.
    """
    _need_full_data("trained")
    BUILD.mkdir(exist_ok=True)
    plan = PLANS[name]
    make_one = {
        ClassifierPlan: make_classifier,
        GanPlan: make_gan,
        VaePlan: make_vae,
    }[type(plan)]
    if not make_one(name, plan):
        print(f"{name}: stopped; the same command goes on from here")
        return
    print(f"{name}: written to {checkpoints.FOLDER}")
    measure(name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(PLANS))
    parser.add_argument(
        "--measure", action="store_true", help="measure, train nothing"
    )
    given = parser.parse_args()
    with alone(BUILD / given.name):
        (measure if given.measure else make)(given.name)
