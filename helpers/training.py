"""One training loop for lessons, checkpoints and benchmarks.

Exact resume rests on one rule: everything random is a function of the seed
and the step. z comes from a stateless draw with seed [seed, step], the order
of the images from a NumPy generator with seed [seed, epoch], and the step is
advanced inside the compiled step, so that an interrupt falls between steps.
"""

import contextlib
import dataclasses
import functools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from helpers.data import READ_ERRORS, check_images, write_arrays
from helpers.models import build_discriminator, build_generator

STATS = ("d_loss", "g_loss", "d_real", "d_fake")
COLUMNS = ("step", "seconds", *STATS)


class StateError(RuntimeError):
    """A saved training state is missing, damaged, or of another recipe."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What makes one training run: networks, optimiser, batch and seed.

    Attributes:
        seed: every random draw of the run follows from it.
        latent_dim: length of z.
        width: feature maps of the generator at 7x7.
        d_width: feature maps of the discriminator at 7x7.
        batch_size: real images a step.
        learning_rate: Adam's, both networks.
        beta_1: Adam's, both networks (arXiv:1511.06434, section 4).
        beta_2: Adam's, both networks.
        ema_decay: share of the old average kept at each step.
        r1_gamma: weight of `slope_penalty`.
    """

    seed: int
    latent_dim: int = 64
    width: int = 64
    d_width: int = 32
    batch_size: int = 64
    learning_rate: float = 2e-3
    beta_1: float = 0.5
    beta_2: float = 0.9
    ema_decay: float = 0.995
    r1_gamma: float = 10.0


@dataclasses.dataclass(kw_only=True)
class Run:
    """What every kind of run has; `fit` needs no more.

    Attributes:
        COLUMNS: names of the columns of the history.
        PARTS: attributes that hold variables; together they are the state.
        recipe: what it was built from; it has `batch_size` and `seed`.
        step: steps taken, int64; it lives on the device.
        history: one row a step, columns as in `COLUMNS`.
        compiled: its step, compiled by the first `fit`; networks and
            optimisers cannot be replaced after that.
    """

    COLUMNS: ClassVar[tuple[str, ...]]
    PARTS: ClassVar[tuple[str, ...]]
    recipe: Any
    step: tf.Variable = dataclasses.field(
        default_factory=lambda: tf.Variable(0, dtype=tf.int64, name="step")
    )
    history: list[tuple[float, ...]] = dataclasses.field(default_factory=list)
    compiled: Callable | None = None

    def draw(self, z: np.ndarray) -> np.ndarray:
        """Draw images (n, 28, 28, 1) in [-1, 1] for z (n, latent_dim)."""
        raise NotImplementedError

    def compile(self) -> Callable:
        """Return the compiled step, a function of images (n, 28, 28, 1)."""
        raise NotImplementedError


@dataclasses.dataclass(kw_only=True)
class Gan(Run):
    """The state of one run: networks, optimisers, step and history.

    Attributes:
        recipe: what it was built from.
        generator: z (n, latent_dim) -> images (n, 28, 28, 1).
        discriminator: images -> logits (n, 1).
        average: generator whose weights are the moving average.
        g_optimizer: of the generator.
        d_optimizer: of the discriminator.
    """

    COLUMNS = COLUMNS
    PARTS = (
        "generator",
        "discriminator",
        "average",
        "g_optimizer",
        "d_optimizer",
    )
    recipe: Recipe
    generator: keras.Model
    discriminator: keras.Model
    average: keras.Model
    g_optimizer: keras.optimizers.Optimizer
    d_optimizer: keras.optimizers.Optimizer

    def draw(self, z: np.ndarray) -> np.ndarray:
        """Draw images (n, 28, 28, 1) of the average generator for z."""
        return generate(self.average, z)

    def compile(self) -> Callable:
        """Return the compiled step, a function of images (n, 28, 28, 1)."""
        return compile_step(self)


def build_optimizer(  # not taught
    recipe: Recipe, model: keras.Model
) -> keras.optimizers.Optimizer:
    """Build the Adam of one network, for its trainable variables alone.

    Args:
        recipe: learning rate and betas.
        model: the network that it will move.

    Returns:
        A built optimiser, its running means 0.
    """
    optimizer = keras.optimizers.Adam(
        recipe.learning_rate, recipe.beta_1, recipe.beta_2
    )
    optimizer.build(model.trainable_variables)
    return optimizer


def assemble(  # not taught
    recipe: Recipe,
    make_generator: Callable[[], keras.Model],
    make_discriminator: Callable[[], keras.Model],
) -> Gan:
    """Put a run together; without a decay, the average is the generator.

    Args:
        recipe: seed and optimisers.
        make_generator: builds G; called twice where there is an average.
        make_discriminator: builds D.

    Returns:
        An untrained run.
    """
    keras.utils.set_random_seed(recipe.seed)
    generator, discriminator = make_generator(), make_discriminator()
    average = generator
    if recipe.ema_decay:
        average = make_generator()
        average.set_weights(generator.get_weights())
    return Gan(
        recipe=recipe,
        generator=generator,
        discriminator=discriminator,
        average=average,
        g_optimizer=build_optimizer(recipe, generator),
        d_optimizer=build_optimizer(recipe, discriminator),
    )


def build_gan(recipe: Recipe) -> Gan:  # not taught
    """Build networks and optimisers anew; the same recipe, the same weights.

    Args:
        recipe: what to build.

    Returns:
        An untrained run.
    """
    return assemble(
        recipe,
        lambda: build_generator(recipe.latent_dim, recipe.width),
        lambda: build_discriminator(recipe.d_width),
    )


def sample_z(n: int, latent_dim: int, seed: int, step: int) -> tf.Tensor:
    """Draw z ~ N(0, I); the same seed and step, the same numbers.

    Args:
        n: how many.
        latent_dim: length of each.
        seed: the run's seed.
        step: the step they are for.

    Returns:
        float32 (n, latent_dim).
    """
    return tf.random.stateless_normal((n, latent_dim), seed=(seed, step))


def discriminator_loss(
    logits_real: tf.Tensor, logits_fake: tf.Tensor
) -> tf.Tensor:
    """Binary cross-entropy with real = 1 and fake = 0, summed over both.

    The negative of the value function (Goodfellow et al., arXiv:1406.2661,
    equation 1): -log D(x) = softplus(-logit), -log(1 - D) = softplus(logit).

    Args:
        logits_real: (n, 1), of real images.
        logits_fake: (n, 1), of generated images.

    Returns:
        Scalar, nats; 2 log 2 where D says 1/2 everywhere.
    """
    loss_real = ops.mean(ops.softplus(-logits_real))
    loss_fake = ops.mean(ops.softplus(logits_fake))
    return loss_real + loss_fake


def generator_loss(logits_fake: tf.Tensor) -> tf.Tensor:
    """Non-saturating loss -log D(G(z)) (arXiv:1406.2661, section 3).

    Args:
        logits_fake: (n, 1), of generated images.

    Returns:
        Scalar, nats; log 2 where D says 1/2.
    """
    return ops.mean(ops.softplus(-logits_fake))


def slope_penalty(gan: Gan, x_real: tf.Tensor) -> tf.Tensor:
    """Return how steep D is at real images, weighted (R1).

    gamma / 2 times the mean squared norm of the gradient of the logit with
    respect to the image (Mescheder, Geiger, Nowozin, arXiv:1801.04406,
    section 4.1).

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1) in [-1, 1].

    Returns:
        Scalar, nats.
    """
    x_real = ops.convert_to_tensor(x_real)
    with tf.GradientTape() as slope_tape:
        slope_tape.watch(x_real)
        logits = gan.discriminator(x_real, training=True)
    slopes = slope_tape.gradient(logits, x_real)
    squares = ops.sum(ops.square(slopes), axis=(1, 2, 3))
    return gan.recipe.r1_gamma / 2 * ops.mean(squares)


def discriminator_step(
    gan: Gan, x_real: tf.Tensor, x_fake: tf.Tensor
) -> tuple:
    """Update the discriminator once; the generator's weights stay.

    The penalty looks at every fourth real image, for time: its mean over them
    has the same expected value as over all, and is noisier.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1) in [-1, 1].
        x_fake: generated images (n, 28, 28, 1).

    Returns:
        Loss without the penalty, logits of the real and of the generated
        images.
    """
    n = ops.shape(x_real)[0]
    x_both = ops.concatenate([x_real, x_fake])
    with tf.GradientTape() as d_tape:
        logits = gan.discriminator(x_both, training=True)
        logits_real, logits_fake = logits[:n], logits[n:]
        d_loss = discriminator_loss(logits_real, logits_fake)
        loss = d_loss + slope_penalty(gan, x_real[::4])
    variables = gan.discriminator.trainable_variables
    gan.d_optimizer.apply(d_tape.gradient(loss, variables), variables)
    return d_loss, logits_real, logits_fake


def generator_step(
    gan: Gan, x_fake: tf.Tensor, g_tape: tf.GradientTape
) -> tf.Tensor:
    """Update the generator once; the discriminator's weights stay.

    Args:
        gan: the run.
        x_fake: generated images (n, 28, 28, 1).
        g_tape: the tape that recorded how the generator drew them; it is
            used up.

    Returns:
        Loss.
    """
    with g_tape:
        logits_fake = gan.discriminator(x_fake, training=True)
        g_loss = generator_loss(logits_fake)
    variables = gan.generator.trainable_variables
    gan.g_optimizer.apply(g_tape.gradient(g_loss, variables), variables)
    return g_loss


def update_average(gan: Gan) -> None:
    """Move the average towards the generator, fast at first.

    Decay min(ema_decay, (1 + t) / (10 + t)) at step t, so that the random
    start is forgotten within the first steps.

    Args:
        gan: the run.
    """
    t = ops.cast(gan.step, "float32")
    decay = ops.minimum(gan.recipe.ema_decay, (1 + t) / (10 + t))
    for slow, fast in zip(
        gan.average.variables, gan.generator.variables, strict=True
    ):
        slow.assign(decay * slow + (1 - decay) * fast)


def draw_z(gan: Gan, x_real: tf.Tensor) -> tf.Tensor:
    """Draw one z for each real image, a function of seed and step.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1); a last batch may be smaller.

    Returns:
        float32 (n, latent_dim).
    """
    n = ops.shape(x_real)[0]
    recipe = gan.recipe
    return sample_z(n, recipe.latent_dim, recipe.seed, gan.step)


def train_step(gan: Gan, x_real: tf.Tensor) -> tf.Tensor:
    """Take one step: discriminator, generator, average, counter.

    Args:
        gan: the run.
        x_real: real images (n, 28, 28, 1) in [-1, 1].

    Returns:
        float32 (4,): d_loss, g_loss, mean D(x), mean D(G(z)), the last two
        before the update.
    """
    z = draw_z(gan, x_real)
    with tf.GradientTape() as g_tape:
        x_fake = gan.generator(z, training=True)
    d_loss, logits_real, logits_fake = discriminator_step(gan, x_real, x_fake)
    g_loss = generator_step(gan, x_fake, g_tape)
    update_average(gan)
    gan.step.assign_add(1)
    d_real = ops.mean(ops.sigmoid(logits_real))
    d_fake = ops.mean(ops.sigmoid(logits_fake))
    return ops.stack([d_loss, g_loss, d_real, d_fake])


def compile_step(  # not taught
    run: Run, take_step: Callable = train_step
) -> Callable:
    """Compile a step for one run, once for every batch size.

    Args:
        run: the run.
        take_step: takes run and images, returns float32, the columns of the
            history after step and seconds, as `train_step` does.

    Returns:
        A function of float32 images (n, 28, 28, 1).
    """
    images = tf.TensorSpec([None, 28, 28, 1], tf.float32)
    return tf.function(
        functools.partial(take_step, run), input_signature=[images]
    )


@functools.lru_cache(maxsize=2)
def epoch_order(n: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order in which one epoch visits n images.

    Args:
        n: images in the training set.
        seed: the run's seed.
        epoch: 0, 1, ...

    Returns:
        A permutation of 0 to n - 1, int64 (n,); the same arguments, the
        same order.
    """
    return np.random.default_rng([seed, epoch]).permutation(n)


def batch_rows(n: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Return the rows of the images that belong to one step.

    Each epoch visits every image once; its last batch is what remains, so
    it may be smaller.

    Args:
        n: images in the training set.
        batch_size: images a step.
        seed: the run's seed.
        step: steps taken before this one.

    Returns:
        int64 (batch_size,) or fewer.
    """
    epoch, k = divmod(step, -(-n // batch_size))  # rounded up
    order = epoch_order(n, seed, epoch)
    return order[k * batch_size : (k + 1) * batch_size]


@dataclasses.dataclass
class Interrupts:
    """How often Ctrl-C was pressed, and whether the next press may raise."""

    count: int = 0
    may_raise: bool = False

    def note(self, number: int, frame: object) -> None:
        """Count a press; where it may raise, the second one does, once."""
        self.count += 1
        if self.may_raise and self.count > 1:
            self.may_raise = False
            raise KeyboardInterrupt


@contextlib.contextmanager
def interrupts_noted() -> Iterator[Interrupts]:  # not taught
    """Note interrupts instead of raising them, however many come.

    An exception could fall between a step and its row of the history, or
    between a run and its file. Inside such a block, another one is the same.

    Yields:
        The interrupts so far: look at `count` where it is safe to stop.
    """
    before = signal.getsignal(signal.SIGINT)
    noted = getattr(before, "__self__", None)
    if isinstance(noted, Interrupts):
        yield noted
        return
    noted = Interrupts()
    main = threading.current_thread() is threading.main_thread()
    if not main or before is signal.SIG_IGN:
        yield noted  # nothing interrupts another thread or a background job
        return
    signal.signal(signal.SIGINT, noted.note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def fit(  # not taught
    run: Run,
    x_train: np.ndarray,
    n_steps: int,
    callback: Callable[[Run], object] | None = None,
) -> bool:
    """Train until n_steps steps are taken in all; go on where the run stands.

    An interrupt (Ctrl-C, or the stop button of a notebook) ends the call
    between two steps and loses nothing: call `fit` again to go on. A second
    one ends a long callback as well, but never a step.

    Args:
        run: a `Gan` or another `Run`; changed in place, its history grows.
        x_train: images, float32 (n, 28, 28, 1) in [-1, 1].
        n_steps: total steps of the run.
        callback: called with the run after each step; it may stop the run
            by raising KeyboardInterrupt.

    Returns:
        True if n_steps were reached, False after an interrupt.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range.
        FloatingPointError: a loss is no longer finite.
    """
    with interrupts_noted() as noted, contextlib.suppress(KeyboardInterrupt):
        x_train = check_images(x_train, "x_train")
        recipe = run.recipe
        step = run.compiled = run.compiled or run.compile()
        before = run.history[-1][1] if run.history else 0.0
        start = time.perf_counter()
        while (k := int(run.step)) < n_steps and not noted.count:
            rows = batch_rows(len(x_train), recipe.batch_size, recipe.seed, k)
            try:
                stats = step(x_train[rows]).numpy()
                seconds = before + time.perf_counter() - start
                run.history.append((k + 1, seconds, *map(float, stats)))
            except BaseException:
                run.step.assign(k)  # it has no row, so it does not count
                raise
            if not np.isfinite(stats).all():
                raise FloatingPointError(
                    f"step {k + 1}: a loss is no longer finite; try a smaller "
                    "learning rate."
                )
            if callback is not None:
                try:
                    noted.may_raise = True
                    callback(run)
                finally:
                    noted.may_raise = False
    return int(run.step) >= n_steps


def generate(model: keras.Model, z: np.ndarray) -> np.ndarray:  # not taught
    """Draw images in inference mode, in chunks of bounded memory.

    Args:
        model: a generator (n, latent_dim) -> (n, 28, 28, 1).
        z: latent vectors (n, latent_dim).

    Returns:
        float32 (n, 28, 28, 1) in [-1, 1].
    """
    chunks = [z[i : i + 500] for i in range(0, len(z), 500)]
    images = [
        ops.convert_to_numpy(model(chunk, training=False)) for chunk in chunks
    ]
    return np.concatenate(images)


def state_arrays(run: Run) -> dict[str, np.ndarray]:  # not taught
    """Collect all that a run needs to go on exactly.

    Args:
        run: the run.

    Returns:
        Arrays by name: variables of its parts (of a GAN: weights, moving
        statistics, average, both optimisers), step, history, and the recipe
        as text.
    """
    arrays = {
        f"{name}.{i}": ops.convert_to_numpy(variable)
        for name in run.PARTS
        for i, variable in enumerate(getattr(run, name).variables)
    }
    arrays["step"] = np.asarray(int(run.step))
    arrays["history"] = np.asarray(run.history).reshape(-1, len(run.COLUMNS))
    arrays["recipe"] = np.asarray(json.dumps(dataclasses.asdict(run.recipe)))
    return arrays


def save_state(run: Run, path: Path) -> None:  # not taught
    """Write the whole state of a run, or leave the old file as it was.

    Args:
        run: the run.
        path: an .npz file; its folder must exist.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    write_arrays(Path(path), **state_arrays(run))


def load_state(  # not taught
    path: Path,
    build: Callable[[Any], Run] = build_gan,
    make_recipe: Callable[..., Any] = Recipe,
) -> Run:
    """Build the run again that `save_state` wrote; it goes on exactly.

    Args:
        path: the .npz file.
        build: what built the run from its recipe.
        make_recipe: the recipe's class.

    Returns:
        A run with the saved recipe, weights, optimisers, step and history.

    Raises:
        StateError: the file is missing, damaged, or not such a state.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        run = build(make_recipe(**json.loads(str(arrays["recipe"]))))
        expected = state_arrays(run)
        for name, array in expected.items():
            free = name in ("history", "recipe")
            if not free and arrays[name].shape != array.shape:
                raise ValueError(
                    f"{name} should have shape {array.shape}, found "
                    f"{arrays[name].shape}"
                )
        if arrays["history"].shape != (int(arrays["step"]), len(run.COLUMNS)):
            raise ValueError("the history has not one row a step")
    except FileNotFoundError:
        raise StateError(f"{path}: no such file; train first.") from None
    except OSError as error:
        raise StateError(
            f"{path}: cannot be read ({error.strerror}); mend that, then go "
            "on training."
        ) from None
    except (*READ_ERRORS, KeyError, TypeError) as error:
        raise StateError(
            f"{path}: expected a whole training state, found something else "
            f"({error}). Delete it and train again."
        ) from None
    for name in run.PARTS:
        for i, variable in enumerate(getattr(run, name).variables):
            variable.assign(arrays[f"{name}.{i}"])
    run.step.assign(int(arrays["step"]))
    run.history.extend(tuple(row) for row in arrays["history"].tolist())
    return run
