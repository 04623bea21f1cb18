"""How each kind of checkpoint is trained and measured.

A plan has `train(name)`, which returns the networks to ship with the entries
of their cards, or nothing after an interrupt, and `measure(name)`, which
returns what the card of the judged network says of it.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from helpers import checkpoints, data, metrics, runtime, training
from helpers.backend import keras
from helpers.lessons import (
    conditional,
    dcgan,
    evaluation,
    photographs,
    repairs,
    segmentation,
    style,
    stylegan,
    translation,
    vae,
)

BUILD = runtime.ROOT / "build"
SAVE_EVERY = 1_000  # steps; about 40 seconds of work on two cores
TEST_SEED = 10_000  # of the samples that a card reports on
BINARY_SEED = 0  # of the binary images on which a card reports bounds
N_DRAWS = 50  # of z for each image, for the bounds
Report = dict[str, Any]
Networks = dict[str, tuple[keras.Model, dict[str, Any]]]


def rounded(interval: metrics.Interval) -> dict[str, float]:
    """Return an interval for a card, four significant digits."""
    return {k: float(f"{v:.4g}") for k, v in interval._asdict().items()}


def train_run(
    name: str,
    run: training.Run,
    n_steps: int,
    progress: Callable[[training.Run], str],
    pairs: tuple[np.ndarray, np.ndarray | None] | None = None,
) -> bool:
    """Train, save and report on the way; resume from the saved state.

    Args:
        name: of the checkpoint.
        run: freshly built.
        n_steps: total steps.
        progress: says how a run does on `validation`; recipe and length are
            chosen by these lines, not by `test`.
        pairs: what it learns from, images and what belongs to them; the
            images of `train` by default.

    Returns:
        False after an interrupt.
    """
    state = BUILD / f"{name}.state.npz"
    if state.exists():
        try:
            training.load_state(run, state)
        except training.OtherRecipeError as error:
            print(f"{name}: starting over, because {error}", flush=True)
    x_train, y_train = pairs or (data.load("train")[0], None)
    with training.interrupts_noted() as noted:
        while (step := int(run.step)) < n_steps:
            goal = min(step + SAVE_EVERY, n_steps)
            finished = training.fit(run, x_train, goal, y_train=y_train)
            training.save_state(run, state)
            print(f"step {int(run.step):,}: {progress(run)}", flush=True)
            if not finished or noted.count:  # perhaps while it was saved
                return False
    return True


def report_on_samples(
    draw: Callable[[np.ndarray, np.ndarray], np.ndarray], latent_dim: int
) -> Report:
    """Judge what a generator draws on three splits, 10 sets of samples each.

    Args:
        draw: z (n, latent_dim) and the labels of the split (n,), which only
            some use -> images (n, 28, 28, 1) in [-1, 1].
        latent_dim: numbers in z.

    Returns:
        For each split the intervals by name, as `metrics.measures` has them.
    """
    report = {}
    for split in ("validation", "holdout", "test"):
        x, y = data.load(split)

        def sample(k: int, y: np.ndarray = y) -> np.ndarray:
            z = training.sample_z(len(y), latent_dim, TEST_SEED, k)
            return draw(z, y)

        scores = metrics.score_generator(sample, metrics.judge(x))
        name = f"{split}, {len(x):,} samples, 10 sets"
        report[name] = {k: rounded(v) for k, v in scores.items()}
    return report


def validation_fcd() -> Callable[[training.Run], str]:
    """Return what says how far a run's samples are from `validation`."""
    real = metrics.judge(data.load("validation")[0])

    def say(run: training.Run) -> str:
        n = len(real.features)
        z = training.sample_z(n, run.recipe.latent_dim, TEST_SEED, 0)
        features = metrics.judge(run.draw(z)).features
        fcd = metrics.frechet_distance(features, real.features)
        return f"validation FCD {fcd:.2f}"

    return say


@dataclasses.dataclass(frozen=True)
class GanPlan:
    """A pair of networks to make: what to train, and for how long."""

    recipe: dcgan.Recipe
    n_steps: int

    def train(self, name: str) -> Networks | None:
        """Train the pair; its generator is the average."""
        recipe = self.recipe
        gan = dcgan.build_gan(recipe)
        if not train_run(name, gan, self.n_steps, validation_fcd()):
            return None
        seconds = {"training_seconds": round(gan.history[-1][1])}
        generator = seconds | {
            "title": "Average generator of a DCGAN as in lesson 03, but wider",
            "builder": "dcgan.build_generator",
            "arguments": {
                "latent_dim": recipe.latent_dim,
                "width": recipe.width,
            },
        }
        discriminator = seconds | {
            "title": f"Discriminator that {name}_generator was trained "
            "against",
            "builder": "dcgan.build_discriminator",
            "arguments": {"width": recipe.d_width},
        }
        return {
            f"{name}_generator": (gan.average, generator),
            f"{name}_discriminator": (gan.discriminator, discriminator),
        }

    def measure(self, name: str) -> tuple[str, Report]:
        """Measure the generator that is in place."""
        model = checkpoints.load(f"{name}_generator")

        def draw(z: np.ndarray, _: np.ndarray) -> np.ndarray:
            return training.generate(model, z)

        report = report_on_samples(draw, model.input_shape[-1])
        return f"{name}_generator", report


@dataclasses.dataclass(frozen=True)
class StylePlan(GanPlan):
    """A pair whose generator has styles; it alone is shipped."""

    recipe: stylegan.Recipe

    def train(self, name: str) -> Networks | None:
        """Train the pair; its generator is the average."""
        recipe = self.recipe
        gan = stylegan.build_gan(recipe)
        if not train_run(name, gan, self.n_steps, validation_fcd()):
            return None
        entries = {
            "title": "Average generator with a mapping network and styles",
            "builder": "stylegan.build_generator",
            "arguments": {
                "latent_dim": recipe.latent_dim,
                "width": recipe.width,
            },
            "training_seconds": round(gan.history[-1][1]),
        }
        return {f"{name}_generator": (gan.average, entries)}


@dataclasses.dataclass(frozen=True)
class ConditionalPlan(GanPlan):
    """A pair that is told the label; its generator alone is shipped."""

    def train(self, name: str) -> Networks | None:
        """Train the pair; its generator is the average."""
        x, y = data.load("validation")
        real = metrics.judge(x)

        def progress(run: training.Run) -> str:
            z = training.sample_z(len(y), run.recipe.latent_dim, TEST_SEED, 0)
            fake = metrics.judge(run.draw(z, y))
            fcd = metrics.frechet_distance(fake.features, real.features)
            agreed = (fake.probabilities.argmax(axis=1) == y).mean()
            return f"validation FCD {fcd:.2f}, agreement {agreed:.4f}"

        recipe = self.recipe
        gan = conditional.build_gan(recipe)
        labelled = data.load("train")
        if not train_run(name, gan, self.n_steps, progress, labelled):
            return None
        entries = {
            "title": "Average generator that draws the digit asked for; D "
            "as in lesson 06, with a projection",
            "builder": "dcgan.build_generator",
            "arguments": {
                "latent_dim": recipe.latent_dim + conditional.N_CLASSES,
                "width": recipe.width,
            },
            "training_seconds": round(gan.history[-1][1]),
        }
        return {f"{name}_generator": (gan.average, entries)}

    def measure(self, name: str) -> tuple[str, Report]:
        """Measure the generator that is in place, and how well it obeys."""
        model = checkpoints.load(f"{name}_generator")
        latent_dim = model.input_shape[-1] - conditional.N_CLASSES
        agreed: list[float] = []

        def draw(z: np.ndarray, y: np.ndarray) -> np.ndarray:
            images = conditional.draw(model, z, y)
            agreed.append(float((conditional.named(images) == y).mean()))
            return images

        report = report_on_samples(draw, latent_dim)
        shares = np.reshape(agreed, (len(report), -1))
        report["agreement of the judge with the label asked for"] = {
            name: rounded(metrics.set_interval(some))
            for name, some in zip(report, shares, strict=True)
        }
        return f"{name}_generator", report


@dataclasses.dataclass(frozen=True)
class RepairPlan:
    """A U-Net of lesson 07 to make, for holes in digits."""

    recipe: translation.Recipe
    n_steps: int
    title: str

    def pairs(self) -> tuple[np.ndarray, np.ndarray | None] | None:
        """Return what it learns from; None for the digits of `train`."""
        return None

    def progress(self) -> Callable[[training.Run], str]:
        """Return what says how a run does, on `validation`."""
        x, y = data.load("validation")
        real = metrics.judge(x)
        given = translation.damaged(x, "half")

        def say(run: training.Run) -> str:
            scores = repairs.scores(run.draw(given), given, x, y, real)
            return ", ".join(f"{k} {v:.3f}" for k, v in scores.items())

        return say

    def train(self, name: str) -> Networks | None:
        """Train the U-Net; the average is shipped."""
        run = translation.build(self.recipe)
        pairs = self.pairs()
        if not train_run(name, run, self.n_steps, self.progress(), pairs):
            return None
        entries = {
            "title": self.title,
            "builder": "translation.build_unet",
            "arguments": {
                "width": self.recipe.width,
                "channels": self.recipe.channels,
            },
            "training_seconds": round(run.history[-1][1]),
        }
        return {name: (run.average, entries)}

    def measure(self, name: str) -> tuple[str, Report]:
        """Measure the U-Net that is in place, on three splits and holes."""
        network = checkpoints.load(name)
        report: Report = {}
        for split in ("validation", "holdout", "test"):
            x, y = data.load(split)
            real = metrics.judge(x)
            for hole in translation.HOLES:
                given = translation.damaged(x, hole)
                filled = translation.fill(network, given)
                key = f"{split}, {len(x):,} digits, hole: {hole}"
                report[key] = repairs.scores(filled, given, x, y, real)
        return name, report


@dataclasses.dataclass(frozen=True)
class PhotoPlan(RepairPlan):
    """A U-Net of lesson 07 to make, for scratches in photographs.

    Attributes:
        n_patches: patches of 28x28 pixels, cut and scratched beforehand.
    """

    n_patches: int = 60_000

    def pairs(self) -> tuple[np.ndarray, np.ndarray | None] | None:
        """Return patches, and masks of their scratches."""
        return photographs.patches(self.n_patches, self.recipe.seed)

    def progress(self) -> Callable[[training.Run], str]:
        """Return what says how a run does, on patches cut anew."""
        x, masks = photographs.patches(1_000, self.recipe.seed + 1)
        given = np.asarray(translation.damage(x, masks))

        def say(run: training.Run) -> str:
            error = np.abs(run.draw(given) - x).sum() / masks.sum()
            return f"mean error in the scratches {error:.4f}"

        return say

    def train(self, name: str) -> Networks | None:
        """Train the U-Net; the card says whose photographs they were."""
        networks = super().train(name)
        for _, entries in (networks or {}).values():
            names = ", ".join(photographs.TRAINING)
            entries["trained_on"] = f"skimage.data: {names}"
            entries["licence"] = "MIT; the photographs have no copyright"
            entries["protocol"] = "in the scratches; higher is better"
        return networks

    def measure(self, name: str) -> tuple[str, Report]:
        """Measure the U-Net that is in place beside the equation."""
        network = checkpoints.load(name)
        report = {
            photo: repairs.beside_the_equation(network, photo)
            for photo in photographs.UNSEEN
        }
        return name, {"PSNR in the scratches, dB": report}


@dataclasses.dataclass(frozen=True)
class SegmentationPlan:
    """A U-Net to make that says which pixels are the digit."""

    recipe: segmentation.Recipe
    n_steps: int

    def scenes(
        self, split: str, part: str
    ) -> tuple[np.ndarray, segmentation.Scenes]:
        """Return the digits of a split, and a scene of each."""
        x, _ = data.load(split)
        rng = np.random.default_rng([self.recipe.seed, len(x)])
        return x, segmentation.make_scenes(x, rng, part)

    def train(self, name: str) -> Networks | None:
        """Train the U-Net; the average is shipped."""
        x, scenes = self.scenes("validation", "test")

        def progress(run: training.Run) -> str:
            overlap = segmentation.iou(run.draw(scenes.pictures) > 0, x > 0)
            return f"validation IoU {overlap.mean():.4f}"

        x_train, training_scenes = self.scenes("train", "train")
        run, pairs = segmentation.build(self.recipe), training_scenes.pictures
        if not train_run(name, run, self.n_steps, progress, (x_train, pairs)):
            return None
        entries = {
            "title": "U-Net that says which pixels are the digit (logits)",
            "builder": "translation.build_unet",
            "arguments": {
                "width": self.recipe.width,
                "channels": 1,
                "activation": "linear",
            },
            "training_seconds": round(run.history[-1][1]),
            "protocol": "digits on unseen parts of the three textures",
        }
        return {name: (run.average, entries)}

    def measure(self, name: str) -> tuple[str, Report]:
        """Measure the U-Net that is in place, and Otsu's threshold."""
        network = checkpoints.load(name)
        report: Report = {}
        for split in ("validation", "holdout", "test"):
            x, scenes = self.scenes(split, "test")
            truth, faint = x > 0, np.abs(scenes.contrast) < 0.5
            ways = {
                "network": training.generate(network, scenes.pictures) > 0,
                "Otsu, told which side": segmentation.otsu(
                    scenes.pictures, truth
                ),
            }
            for way, masks in ways.items():
                overlap = segmentation.iou(masks, truth)
                row = metrics.set_interval(overlap)
                report[f"{split}, {len(x):,} scenes, IoU, {way}"] = rounded(
                    row
                ) | {
                    "faint": round(float(overlap[faint].mean()), 4),
                    "strong": round(float(overlap[~faint].mean()), 4),
                }
        return name, report


@dataclasses.dataclass(frozen=True)
class FeaturePlan:
    """Features of lesson 09 to make, by naming photographs from crops."""

    recipe: style.Recipe
    n_steps: int

    def train(self, name: str) -> Networks | None:
        """Train the features; they are balanced before they are shipped."""
        recipe = self.recipe
        run = style.build_namer(recipe)

        def progress(run: training.Run) -> str:
            share = style.accuracy(run, recipe.seed + 1, 1_200)
            return f"new crops named {share:.4f}"

        pairs = style.crops(recipe.n_crops, recipe.seed)
        if not train_run(name, run, self.n_steps, progress, pairs):
            return None
        names = ", ".join(photographs.TRAINING)
        entries = {
            "title": "Features of photographs, five layers, each channel's "
            "mean over crops scaled to 1",
            "builder": "style.build_features",
            "arguments": {"widths": list(recipe.widths)},
            "training_seconds": round(run.history[-1][1]),
            "share of new crops named": round(
                style.accuracy(run, recipe.seed + 1, 1_200), 4
            ),
            "trained_on": f"skimage.data: {names}",
            "licence": "MIT; the photographs have no copyright",
            "protocol": "the cat painted by Gram matrices in 150 steps, "
            "content weight 0.1; lower is nearer to the style",
        }
        return {name: (style.balanced(run.features), entries)}

    def measure(self, name: str) -> tuple[str, Report]:
        """Measure the features that are in place: style errors by painting."""
        features = checkpoints.load(name)
        cat = style.shipped("chelsea", style.COLOUR)
        report: Report = {}
        for like in ("brick", "grass", "gravel", "coffee"):
            wanted = style.shipped(like)
            painted = style.stylised(features, cat, wanted, 150)
            goal = features(wanted, training=False)
            before, after = (
                float(
                    style.style_error(
                        features(style.luminance(x), training=False), goal
                    )
                )
                for x in (cat, painted)
            )
            report[like] = {
                "before": round(before, 4),
                "after": round(after, 4),
            }
        return name, {"style error, the cat before and after": report}


@dataclasses.dataclass(frozen=True)
class VaePlan:
    """A VAE to make; its recipe says for how long."""

    recipe: vae.VaeRecipe

    def train(self, name: str) -> Networks | None:
        """Train encoder and decoder."""
        images, _ = data.load("validation")
        x = np.asarray(vae.binarise(images, BINARY_SEED, 0))

        def progress(run: training.Run) -> str:
            elbo = vae.weigh(run.model, x, 1, TEST_SEED).mean()
            return f"validation ELBO {elbo:.2f} nats"

        recipe = self.recipe
        run = vae.build_run(recipe)
        if not train_run(name, run, recipe.n_steps, progress):
            return None
        entries = {
            "title": f"VAE with a latent space of {recipe.latent_dim} numbers",
            "builder": "vae.build_vae",
            "arguments": {
                "latent_dim": recipe.latent_dim,
                "width": recipe.width,
            },
            "training_seconds": round(run.history[-1][1]),
        }
        return {name: (run.model, entries)}

    def measure(self, name: str) -> tuple[str, Report]:
        """Measure the VAE that is in place: its samples and its bounds."""
        model = checkpoints.load(name)

        def draw(z: np.ndarray, _: np.ndarray) -> np.ndarray:
            return vae.mean_images(model, z)

        latent_dim = model.get_layer("decoder").input_shape[-1]
        report = report_on_samples(draw, latent_dim)
        for split in ("validation", "holdout", "test"):
            key = f"{split}, binarised with seed {BINARY_SEED}, nats"
            report[key] = self.bounds(model, data.load(split)[0])
        return name, report

    @staticmethod
    def bounds(model: keras.Model, images: np.ndarray) -> Report:
        """Measure what a VAE says of images binarised by sampling."""
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
        report: Report = {
            k: rounded(metrics.set_interval(v)) for k, v in values.items()
        }
        return report | {"active latent units": vae.active_units(mean)}


def shifted(x: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Move each image by up to `most` pixels, with black behind it."""
    around = ((0, 0), (most, most), (most, most), (0, 0))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, around, constant_values=-1), (28, 28), axis=(1, 2)
    )  # (n, 2 most + 1, 2 most + 1, 1, 28, 28)
    down, right = rng.integers(0, 2 * most + 1, (2, len(x)))
    return windows[np.arange(len(x)), down, right].transpose(0, 2, 3, 1)


@dataclasses.dataclass(frozen=True)
class ClassifierPlan:
    """A classifier to make.

    Attributes:
        seed: of weights, order, shifts and dropout.
        epochs: passes over the data; the learning rate falls to 0 on a
            cosine over all of them.
        batch_size: images a step.
        learning_rate: Adam's, at the start.
        dropout: share of inputs dropped before each dense layer.
        max_shift: pixels by which an image may be moved either way, new in
            each epoch.
        builder: of its card.
    """

    seed: int
    epochs: int
    batch_size: int = 128
    learning_rate: float = 2e-3
    dropout: float = 0.4
    max_shift: int = 1
    builder: str = "judges.build_classifier"

    def build(self) -> keras.Model:
        """Build the untrained network."""
        return checkpoints.builder(self.builder)(self.dropout)

    def compiled(self, n: int) -> keras.Model:
        """Build and compile the classifier; n images an epoch."""
        keras.utils.set_random_seed(self.seed)
        model = self.build()
        steps = self.epochs * -(-n // self.batch_size)
        schedule = keras.optimizers.schedules.CosineDecay(
            self.learning_rate, steps
        )
        model.compile(
            optimizer=keras.optimizers.Adam(schedule),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        return model

    def epoch(
        self, model: keras.Model, k: int, x: np.ndarray, y: np.ndarray
    ) -> None:
        """Train one epoch; all that is random follows from seed and k."""
        rng = np.random.default_rng([self.seed, k])
        order = rng.permutation(len(x))
        for i, layer in enumerate(model.layers):
            if isinstance(layer, keras.layers.Dropout):
                # A saved model does not hold the state of its dropout.
                layer.seed_generator.state.assign((self.seed + i, k))
        model.fit(
            shifted(x[order], self.max_shift, rng),
            y[order],
            batch_size=self.batch_size,
            shuffle=False,
            verbose=0,
        )

    def epochs_from(
        self, state: Path, x: np.ndarray, y: np.ndarray
    ) -> Iterator[tuple[keras.Model, float]]:
        """Train epoch by epoch, save after each, go on where the file is.

        Args:
            state: a .json file; the weights, optimiser and random state that
                it names stand beside it, in two files in turn.
            x: images (n, 28, 28, 1) in [-1, 1].
            y: labels (n,).

        Yields:
            The model and its seconds of training, after each epoch, and
            first as it was found.
        """
        plan = dataclasses.asdict(self)
        model, done, seconds = None, 0, 0.0
        if state.exists():
            found = json.loads(state.read_text(encoding="utf-8"))
            if found["plan"] == plan:
                saved = state.with_suffix(found["file"])
                model = keras.models.load_model(saved)
                done, seconds = found["epochs"], found["seconds"]
        model = model or self.compiled(len(x))
        yield model, seconds
        for k in range(done, self.epochs):
            start = time.perf_counter()
            self.epoch(model, k, x, y)
            seconds += time.perf_counter() - start
            suffix = f".{k % 2}.keras"
            model.save(state.with_suffix(suffix))
            notes = {"plan": plan, "epochs": k + 1, "seconds": seconds}
            runtime.write_json(state, notes | {"file": suffix})
            print(f"epoch {k + 1} of {self.epochs}", flush=True)
            yield model, seconds

    def train(self, name: str) -> Networks:
        """Train the classifier."""
        x, y = data.load("train")
        *_, (trained, seconds) = self.epochs_from(BUILD / f"{name}.json", x, y)
        # A compiled model would save its optimiser, twice the weights' size.
        model = self.build()
        model.set_weights(trained.get_weights())
        entries = {
            "title": "Classifier of digits; its 64 features judge pictures",
            "builder": self.builder,
            "arguments": {"dropout": self.dropout},
            "training_seconds": round(seconds),
        }
        return {name: (model, entries)}

    def measure(self, name: str) -> tuple[str, Report]:
        """Measure the classifier that is in place."""
        report: Report = {}
        judged = {}
        for split in ("validation", "test"):
            x, y = data.load(split)
            judged[split] = metrics.judge(x, name)
            right = judged[split].probabilities.argmax(axis=1) == y
            report[f"accuracy on {split}"] = round(float(right.mean()), 4)
        test = judged["test"]
        per_class = [round(float(right[y == k].mean()), 4) for k in range(10)]
        chosen = test.probabilities[np.arange(len(y)), y]
        likelihood = -np.log(np.maximum(chosen, 1e-300)).mean()
        error = calibration_error(test.probabilities, y)
        confidence = float(test.probabilities.max(axis=1).mean())
        features = judged["validation"].features, test.features
        return name, report | {
            "accuracy per class on test, 0 to 9": per_class,
            "mean confidence on test": round(confidence, 4),
            "expected calibration error on test, 15 bins": round(error, 4),
            "negative log-likelihood on test, nats": round(
                float(likelihood), 4
            ),
            "fcd floors": floors(*features),
            evaluation.REAL: self.real_digits(name, test),
        }

    @staticmethod
    def real_digits(name: str, test: metrics.Judgement) -> Report:
        """Measure unseen real digits as if a generator had drawn them."""
        real = metrics.judge(data.load("holdout")[0], name)
        n = len(real.features)
        rows = np.random.default_rng(0).permutation(len(test.features))[:n]
        fake = metrics.Judgement(*(part[rows] for part in test))
        scores = metrics.score_judged_set(fake, real)
        return {k: rounded(v) for k, v in scores.items()}


def floors(validation: np.ndarray, test: np.ndarray) -> Report:
    """Measure the FCD between sets of real images that nobody learnt from."""
    order = np.random.default_rng(0).permutation(len(test))
    n, half = len(validation), len(test) // 2
    pairs = {
        f"validation v {n:,} of test at random": (
            validation,
            test[order[:n]],
        ),
        "halves of test at random, 5,000 each": np.split(test[order], [half]),
        "first half of test v second half, 5,000 each": np.split(test, [half]),
    }
    return {
        name: round(metrics.frechet_distance(*pair), 3)
        for name, pair in pairs.items()
    }


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


PLANS: dict[
    str,
    GanPlan
    | RepairPlan
    | SegmentationPlan
    | FeaturePlan
    | VaePlan
    | ClassifierPlan,
] = {
    "digit_classifier": ClassifierPlan(seed=2_026, epochs=16),
    "second_judge": ClassifierPlan(
        seed=2_027,
        epochs=16,
        dropout=0.2,
        builder="judges.build_second_judge",
    ),
    "dcgan": GanPlan(
        dcgan.Recipe(
            seed=0, width=112, d_width=64, ema_decay=0.9995, r1_gamma=5.0
        ),
        n_steps=40_000,
    ),
    "conditional": ConditionalPlan(
        dcgan.Recipe(
            seed=0, width=112, d_width=64, ema_decay=0.9995, r1_gamma=3.0
        ),
        n_steps=12_000,
    ),
    "style": StylePlan(
        stylegan.Recipe(
            seed=0, width=96, d_width=64, ema_decay=0.9995, r1_gamma=3.0
        ),
        n_steps=8_000,
    ),
    "inpainting_l1": RepairPlan(
        translation.Recipe(seed=0, hole="any", width=24, ema_decay=0.999),
        n_steps=12_000,
        title="U-Net that fills any box in a digit, by the mean error alone",
    ),
    "inpainting_gan": RepairPlan(
        translation.Recipe(
            seed=0,
            hole="any",
            width=24,
            d_width=48,
            ema_decay=0.999,
            r1_gamma=1.0,
            weight=0.3,
        ),
        n_steps=12_000,
        title="U-Net that fills any box in a digit, and has to convince a D",
    ),
    "photo_inpainting": PhotoPlan(
        translation.Recipe(seed=0, width=24, ema_decay=0.999),
        n_steps=12_000,
        title="U-Net that repairs scratches in grey photographs",
    ),
    "digit_segmentation": SegmentationPlan(
        segmentation.Recipe(seed=0, ema_decay=0.995), n_steps=3_000
    ),
    "style_features": FeaturePlan(
        style.Recipe(seed=9, n_crops=60_000), n_steps=6_000
    ),
    "vae2": VaePlan(vae.VaeRecipe(seed=2_026, n_steps=20_000, latent_dim=2)),
    "vae10": VaePlan(vae.VaeRecipe(seed=2_026, n_steps=50_000)),
}
