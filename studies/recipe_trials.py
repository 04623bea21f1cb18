"""One change of the recipe at a time: python -m studies.recipe_trials.

Each trial trains a pair with a few seeds and judges 6,000 samples of its
average against `validation` at marks of steps. Every mark is one row of
record/recipe_trials.json, and the state of a run is saved on the way, so an
interrupted call goes on; names of trials after the command select among them.
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from helpers import data, metrics, runtime, training
from helpers.backend import keras, ops, tf
from helpers.lessons import dcgan
from studies.record import Record
from tools.alone import alone

RECORD = Path(__file__).parent / "record" / "recipe_trials.json"
STATES = runtime.ROOT / "build" / "recipe_trials"
Z_SEED = 10_000  # of the samples; no run trains with it
SHORT = (250, 500, 1_000, 2_000, 3_000)  # steps
LONG = (4_000, 8_000, 12_000)
SAVE_EVERY = 1_000  # steps


@dataclasses.dataclass(frozen=True)
class Step:
    """A step with more to choose than the lesson's.

    Attributes:
        relativistic: each generated image is set against a real one
            (Jolicoeur-Martineau, arXiv:1807.00734).
        both: the penalty holds at generated images too (R2; Mescheder et
            al., arXiv:1801.04406, section 4.1).
        shift: pixels by which every image that D sees is moved, at most.
    """

    relativistic: bool = False
    both: bool = False
    shift: int = 0

    def moved(self, gan: dcgan.Gan, x: tf.Tensor, turn: int) -> tf.Tensor:
        """Move each image on its own; the same for the same step and turn."""
        if not self.shift:
            return x
        n = ops.shape(x)[0]
        seed = (gan.recipe.seed + turn, gan.step)
        by = tf.random.stateless_uniform(
            (n, 2), seed, -self.shift, self.shift + 1, tf.int32
        )
        by = ops.cast(by, "float32")
        one, none = ops.ones((n, 1)), ops.zeros((n, 1))
        rows = [one, none, by[:, :1], none, one, by[:, 1:], none, none]
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=x,
            transforms=ops.concatenate(rows, axis=1),
            output_shape=(28, 28),
            fill_value=-1.0,
            interpolation="NEAREST",
            fill_mode="CONSTANT",
        )

    def losses(
        self, logits_real: tf.Tensor, logits_fake: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the losses of D and of G."""
        if self.relativistic:
            ahead = logits_real - logits_fake
            return ops.mean(ops.softplus(-ahead)), ops.mean(
                ops.softplus(ahead)
            )
        d_loss = dcgan.discriminator_loss(logits_real, logits_fake)
        return d_loss, dcgan.generator_loss(logits_fake)

    def __call__(
        self, gan: dcgan.Gan, x_real: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Take one step; return what `dcgan.train_step` returns."""
        discriminator = gan.discriminator
        d_weights = discriminator.trainable_variables
        g_weights = gan.generator.trainable_variables
        x_real = self.moved(gan, x_real, 1)
        z = dcgan.draw_z(gan, x_real)
        with tf.GradientTape() as g_tape:
            x_fake = gan.generator(z, training=True)
        seen = self.moved(gan, x_fake, 2)
        with tf.GradientTape() as d_tape:
            logits_real = discriminator(x_real, training=True)
            logits_fake = discriminator(seen, training=True)
            d_loss, _ = self.losses(logits_real, logits_fake)
            loss = d_loss + dcgan.slope_penalty(gan, x_real[::4])
            if self.both:
                loss += dcgan.slope_penalty(gan, seen[::4])
        gan.d_optimizer.apply(d_tape.gradient(loss, d_weights), d_weights)
        real_now = logits_real
        if self.relativistic:
            real_now = discriminator(x_real, training=True)
        with g_tape:
            seen = self.moved(gan, x_fake, 2)
            fake_now = discriminator(seen, training=True)
            _, g_loss = self.losses(real_now, fake_now)
        gan.g_optimizer.apply(g_tape.gradient(g_loss, g_weights), g_weights)
        dcgan.update_average(gan)
        d_real = ops.mean(ops.sigmoid(logits_real))
        d_fake = ops.mean(ops.sigmoid(logits_fake))
        return d_loss, g_loss, d_real, d_fake


@dataclasses.dataclass(frozen=True)
class Trial:
    """A recipe to try.

    Attributes:
        recipe: settings that differ from `dcgan.Recipe`.
        step: its step; the lesson's by default.
        decays: the rate falls to 0 on a cosine over the whole run.
        marks: steps at which it is judged; the last ends it.
        n_seeds: runs.
    """

    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    step: Step | None = None
    decays: bool = False
    marks: tuple[int, ...] = SHORT
    n_seeds: int = 2

    def build(self, recipe: dcgan.Recipe) -> dcgan.Gan:
        """Build an untrained run that takes this trial's step."""
        gan = dcgan.build_gan(recipe)
        if self.decays:
            for name in ("generator", "discriminator"):
                model = getattr(gan, name)
                optimizer = keras.optimizers.Adam(
                    keras.optimizers.schedules.CosineDecay(
                        recipe.learning_rate, self.marks[-1]
                    ),
                    recipe.beta_1,
                    recipe.beta_2,
                )
                optimizer.build(model.trainable_variables)
                setattr(gan, f"{name[0]}_optimizer", optimizer)
        if self.step:
            gan.compiled = training.compile_step(gan, self.step)
        return gan


def of(n_seeds: int = 2, **recipe: Any) -> Trial:
    """Return a short trial of the plain step."""
    return Trial(recipe, n_seeds=n_seeds)


def longer(
    step: Step | None = None, decays: bool = False, **recipe: Any
) -> Trial:
    """Return a long trial, on the best of the short ones."""
    best = {"beta_1": 0.0, "ema_decay": 0.999}
    return Trial(best | recipe, step, decays, LONG)


TRIALS = {
    "beta_1 0.5": of(3, beta_1=0.5),
    "beta_1 0": of(3, beta_1=0.0),
    "beta_1 0, gamma 3": of(beta_1=0.0, r1_gamma=3.0),
    "beta_1 0, gamma 1": of(beta_1=0.0, r1_gamma=1.0),
    "beta_1 0, rate 0.003": of(beta_1=0.0, learning_rate=3e-3),
    "beta_1 0, rate 0.001": of(beta_1=0.0, learning_rate=1e-3),
    "beta_1 0, beta_2 0.95": of(beta_1=0.0, beta_2=0.95),
    "beta_1 0, beta_2 0.99": of(beta_1=0.0, beta_2=0.99),
    "beta_1 0, beta_2 0.8": of(beta_1=0.0, beta_2=0.8),
    "beta_1 0, gamma 5": of(beta_1=0.0, r1_gamma=5.0),
    "beta_1 0, gamma 5, rate 0.003": of(
        beta_1=0.0, r1_gamma=5.0, learning_rate=3e-3
    ),
    "long": longer(),
    "long, rate falls": longer(decays=True),
    "long, average 0.9995": longer(ema_decay=0.9995),
    "long, G 1.75 times as wide": longer(width=112),
    "long, D twice as wide": longer(d_width=64),
    "long, penalty on both sides": longer(step=Step(both=True)),
    "long, relativistic, both sides": longer(
        step=Step(relativistic=True, both=True)
    ),
    "long, both sides shifted": longer(step=Step(shift=1)),
}


def judged(gan: dcgan.Gan, real: metrics.Judgement) -> dict[str, float]:
    """Judge the average of a run; four significant digits."""
    n = len(real.features)
    z = training.sample_z(n, gan.recipe.latent_dim, Z_SEED, 0)
    scores = metrics.score_samples(gan.draw(z), real)
    return {name: float(f"{value:.4g}") for name, value in scores.items()}


def run(
    name: str, seed: int, record: Record, x_train: Any, real: metrics.Judgement
) -> None:
    """Train one run; a mark that has no row yet gets one.

    Args:
        name: of the trial.
        seed: of the run.
        record: of all trials.
        x_train: images (n, 28, 28, 1) in [-1, 1].
        real: the judgement of the reference.

    Raises:
        KeyboardInterrupt: the user pressed Ctrl-C; nothing is lost.
    """
    trial = TRIALS[name]
    gan = trial.build(dcgan.Recipe(seed, **trial.recipe))
    state = STATES / f"{name}, {seed}.npz"
    if state.exists():
        training.load_state(gan, state)
    for mark in trial.marks:
        if (name, seed, mark) in record:
            continue
        while (step := int(gan.step)) < mark:
            goal = min(step + SAVE_EVERY, mark)
            if not training.fit(gan, x_train, goal):
                raise KeyboardInterrupt
            training.save_state(gan, state)
        row = {"trial": name, "seed": seed, "step": mark}
        row |= {"seconds": round(gan.history[mark - 1][1], 1)}
        record.add(row | judged(gan, real))


def go_on(names: list[str]) -> None:
    """Do the runs that have no row yet.

    Raises:
        DataError: the full MNIST is not at hand.
    """
    unknown = set(names) - set(TRIALS)
    if unknown:
        raise SystemExit(
            f"There is no trial {', '.join(sorted(unknown))}; there are: "
            f"{', '.join(TRIALS)}."
        )
    data.need_full("This study")
    about = {
        "command": "python -m studies.recipe_trials",
        "protocol": "6,000 samples of the average v validation",
        "machine": runtime.machine(),
    }
    record = Record(RECORD, about, ("trial", "seed", "step"), [*TRIALS])
    STATES.mkdir(parents=True, exist_ok=True)
    x_train, _ = data.load("train")
    real = metrics.judge(data.load("validation")[0])
    for seed in range(3):  # every trial once, before any has its second
        for name in names or TRIALS:
            trial = TRIALS[name]
            done = (name, seed, trial.marks[-1]) in record
            if seed < trial.n_seeds and not done:
                run(name, seed, record, x_train, real)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", nargs="*")
    with alone(RECORD):
        go_on(parser.parse_args().trials)
