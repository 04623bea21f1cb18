"""One training loop for lessons, checkpoints and studies.

Exact resume rests on one rule: everything random is a function of the seed
and the step. z comes from a stateless draw with seed [seed, step], the order
of the images from a NumPy generator with seed [seed, epoch], and the step is
advanced inside the compiled step, so that an interrupt falls between steps.
"""

import contextlib
import dataclasses
import functools
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from helpers.backend import keras, ops, tf
from helpers.data import MNIST, READ_ERRORS, Images, check_images, write_arrays


class StateError(RuntimeError):
    """A saved training state is missing, damaged, or of another recipe."""


class OtherRecipeError(StateError):
    """A saved training state is whole, and of another recipe."""


@dataclasses.dataclass(kw_only=True)
class Run:
    """What every kind of run has; `fit` needs no more.

    Attributes:
        IMAGES: side and channels of the images that it learns from.
        ABOVE: labels above the ten columns of a live view.
        COLUMNS: names of the columns of the history.
        PARTS: attributes that hold variables; together they are the state.
        recipe: what it was built from; it has `batch_size` and `seed`.
        step: steps taken, int64; it lives on the device.
        history: one row a step, columns as in `COLUMNS`; what a step does
            not return is NaN.
        compiled: its own step, compiled by the first `fit`; networks and
            optimisers cannot be replaced after that.
    """

    IMAGES: ClassVar[Images] = MNIST
    ABOVE: ClassVar[tuple] = ()
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

    def take_step(self, x_real: tf.Tensor) -> Sequence[tf.Tensor]:
        """Change the variables once; return what the history keeps of it.

        Args:
            x_real: images (n, 28, 28, 1) in [-1, 1].

        Returns:
            Scalars, the columns of the history after step and seconds.
        """
        raise NotImplementedError

    def draw_history(self, axes: Sequence[Any]) -> None:
        """Draw the history on two axes of matplotlib."""
        raise NotImplementedError

    def table(self) -> dict[str, np.ndarray]:
        """Return the history by column, float64 (steps,) each."""
        rows = np.asarray(self.history).reshape(-1, len(self.COLUMNS))
        return dict(zip(self.COLUMNS, rows.T, strict=True))


def sample_z(  # not taught
    n: int, latent_dim: int, seed: int, step: int
) -> tf.Tensor:
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


def compile_step(  # not taught
    run: Run, step: Callable | None = None, y: np.ndarray | None = None
) -> Callable:
    """Compile a step for one run, once for every batch size.

    Args:
        run: the run.
        step: takes run and images, and labels where there are some, returns
            one scalar or several, as `Run.take_step` does; by default that
            of the run.
        y: labels whose rows belong to the images, or what else they come
            with; only shape and dtype count.

    Returns:
        A function of images, float32 as `run.IMAGES` says, and of rows of
        `y` if it is given; it advances
        `run.step` and returns float32, at most one number a column.

    Raises:
        TypeError: when called, if the step returns something else.
    """
    step = step or type(run).take_step
    names = run.COLUMNS[2:]
    given = [tf.TensorSpec([None, *run.IMAGES.shape], tf.float32)]
    if y is not None:
        given.append(tf.TensorSpec([None, *y.shape[1:]], y.dtype))

    @functools.partial(tf.function, input_signature=given)
    def compiled(*batch: tf.Tensor) -> tf.Tensor:
        stats = step(run, *batch)
        stats = stats if isinstance(stats, (tuple, list)) else [stats]
        if not 1 <= len(stats) <= len(names) or any(
            getattr(x, "shape", None) != () for x in stats
        ):
            raise TypeError(
                f"the step returned {stats}; expected scalars, {names[0]} "
                f"first: end it with return {', '.join(names)}."
            )
        run.step.assign_add(1)
        return ops.stack([ops.cast(x, "float32") for x in stats])

    return compiled


@functools.lru_cache(maxsize=2)
def epoch_order(  # not taught
    n: int, seed: int, epoch: int
) -> np.ndarray:
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


def batch_rows(  # not taught
    n: int, batch_size: int, seed: int, step: int
) -> np.ndarray:
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


def _pairs(x: np.ndarray, y: np.ndarray | None) -> list[np.ndarray]:
    """Return what a step takes rows of; refuse labels of another number."""
    if y is not None and len(y) != len(x):
        raise ValueError(
            f"y_train: expected {len(x):,} rows, one an image, found "
            f"{len(y):,}."
        )
    return [x] if y is None else [x, y]


def fit(  # not taught
    run: Run,
    x_train: np.ndarray,
    n_steps: int,
    callback: Callable[[Run], object] | None = None,
    step: Callable | None = None,
    y_train: np.ndarray | None = None,
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
        step: as in `compile_step`, compiled again by each call, so that a
            notebook's function trains as it stands there.
        y_train: labels (n,), or what else belongs to each image; its rows
            follow those of x_train to the step.

    Returns:
        True if n_steps were reached, False after an interrupt.

    Raises:
        TypeError, ValueError: images of another dtype, shape or range, or
            labels of another number.
        FloatingPointError: a loss is no longer finite.
    """
    with interrupts_noted() as noted, contextlib.suppress(KeyboardInterrupt):
        x_train = check_images(x_train, "x_train", run.IMAGES)
        pairs = _pairs(x_train, y_train)
        recipe, n_columns = run.recipe, len(run.COLUMNS)
        if step is None:
            run.compiled = run.compiled or compile_step(run, None, y_train)
        take = compile_step(run, step, y_train) if step else run.compiled
        before = run.history[-1][1] if run.history else 0.0
        start = time.perf_counter()
        while (k := int(run.step)) < n_steps and not noted.count:
            rows = batch_rows(len(x_train), recipe.batch_size, recipe.seed, k)
            try:
                stats = take(*(a[rows] for a in pairs)).numpy().tolist()
                if int(run.step) != k + 1:
                    raise TypeError(
                        "the step changed run.step, which fit counts; leave "
                        "that line out."
                    )
                seconds = before + time.perf_counter() - start
                row = (k + 1, seconds, *stats)
                left_out = (math.nan,) * (n_columns - len(row))
                run.history.append(row + left_out)
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


def load_state(run: Run, path: Path) -> None:  # not taught
    """Put what `save_state` wrote into a run, which then goes on exactly.

    Args:
        run: freshly built from the same recipe; changed in place.
        path: the .npz file.

    Raises:
        StateError: the file is missing or damaged; the run is as it was.
        OtherRecipeError: it is of another recipe.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        _check_state(run, arrays)
    except OtherRecipeError as error:
        raise OtherRecipeError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise StateError(f"{path}: no such file; train first.") from None
    except OSError as error:
        raise StateError(
            f"{path}: cannot be read ({error.strerror}); fix that, then go "
            "on training."
        ) from None
    except (*READ_ERRORS, KeyError, TypeError) as error:
        raise StateError(
            f"{path}: expected a whole training state, found "
            f"something else ({error}). Delete it and train again."
        ) from None
    for name in run.PARTS:
        for i, variable in enumerate(getattr(run, name).variables):
            variable.assign(arrays[f"{name}.{i}"])
    run.step.assign(int(arrays["step"]))
    run.history[:] = map(tuple, arrays["history"].tolist())


def _check_state(run: Run, arrays: dict[str, np.ndarray]) -> None:
    """Refuse arrays that are not the whole state of such a run."""
    expected = state_arrays(run)
    saved, wanted = str(arrays["recipe"]), str(expected["recipe"])
    if saved != wanted:
        raise OtherRecipeError(
            f"expected a state of the recipe {wanted}, found {saved}. Train "
            "that one, or delete the file."
        )
    for name in expected.keys() - {"history"}:
        if arrays[name].shape != expected[name].shape:
            raise ValueError(
                f"{name} should have shape {expected[name].shape}, found "
                f"{arrays[name].shape}"
            )
    if arrays["history"].shape != (int(arrays["step"]), len(run.COLUMNS)):
        raise ValueError("the history has not one row a step")
