"""Where does the time of a training step go? python -m studies.step_time.

The step of the course's recipe is compared with its own arithmetic: its
multiply-accumulates (MACs) at the rate at which this machine convolves. All
calls of a comparison take turns, so that other work on the machine slows
them alike. Images are random; no file is needed.
"""

import argparse
import dataclasses
import itertools
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from helpers import runtime, training
from helpers.backend import keras, layers, tf
from helpers.lessons import dcgan
from studies import recipes
from tools import tables

OUT = runtime.ROOT / "build" / "step_time"
RECIPE = recipes.ENTRIES["course"].recipe
GOAL = 2.0  # times the arithmetic
BURST = 5  # calls in a row: one alone would find its data out of the cache
MEMORY_STEPS = 20
Section = tuple[str, str, pd.DataFrame]

MACS_NOTE = "What is counted, and what not: `step_macs`, `penalty_macs`."
PART_NOTE = (
    "Each part alone, less the time to call an empty compiled function; data "
    "and Python as they are. Adam and the moving average are whole updates. D "
    "for D is the pass on real and generated images that D learns from, D for "
    "G the pass that G learns from. Backward is forward and backward in one "
    "call, less forward. The rest is the step less all parts: drawing z, "
    "losses, copies, scheduling, data that left the cache. It may be "
    "negative, since parts overlap or fuse within the step."
)
MEMORY_NOTE = (
    "Resident memory at its peak in a fresh process: TensorFlow, the images "
    f"as float32, `fit` for {MEMORY_STEPS} steps with its check of them."
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        rounds: turns that each call gets, `BURST` calls a turn.
        batches: images a step.
        widths: factors of the recipe's widths, of G and D alike.
        sizes: images in memory.
        n_train: images that the steps draw from.
    """

    rounds: int = 40
    batches: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    widths: tuple[int, ...] = (1, 2, 4)
    sizes: tuple[int, ...] = (5_000, 15_000, 54_000)
    n_train: int = 54_000


QUICK = Settings(2, (16, 32), (1,), (5_000,), 1_000)


@dataclasses.dataclass(frozen=True)
class Part:
    """Something to time.

    Attributes:
        name: for tables.
        call: all of it.
        macs: that it takes.
        forward: its forward pass alone, where it has one.
        compiled: one compiled call, so an empty one is taken off its time.
    """

    name: str
    call: Callable[[], object]
    macs: int = 0
    forward: Callable[[], object] | None = None
    compiled: bool = True


# Arithmetic


def layer_macs(layer: layers.Layer) -> int:
    """Count the multiply-accumulates of a layer, forward.

    A kernel is applied once at each position of the output; that of a
    transposed convolution at each position of the input.

    Args:
        layer: a layer of a built model, channels last.

    Returns:
        MACs an image; 0 for a layer without kernel.

    Raises:
        TypeError: a layer with a kernel that is none of the three known.
    """
    if not hasattr(layer, "kernel"):
        return 0
    places = {
        layers.Dense: layer.output.shape[1:-1],
        layers.Conv2D: layer.output.shape[1:-1],
        layers.Conv2DTranspose: layer.input.shape[1:-1],
    }
    if type(layer) not in places:
        raise TypeError(
            f"{layer.name} is a {type(layer).__name__}; expected Dense, "
            "Conv2D or Conv2DTranspose. Add its count to `layer_macs`."
        )
    return math.prod(places[type(layer)]) * math.prod(layer.kernel.shape)


@dataclasses.dataclass(frozen=True)
class Pass:
    """One way through a network in a step, forward and backward.

    Attributes:
        title: for tables.
        model: the network.
        images: that pass.
        weights: gradients of its weights are taken.
        to_input: the gradient goes on to the network's own input.
    """

    title: str
    model: keras.Model
    images: int
    weights: bool
    to_input: bool

    def macs(self, k: int) -> int:
        """Count the MACs of layer k, from 0: forward and its gradients."""
        gradients = self.weights + (self.to_input or k > 0)
        return self.images * (1 + gradients) * layer_macs(self.model.layers[k])


def passes(gan: dcgan.Gan) -> list[Pass]:
    """List the passes of a step, the penalty apart."""
    n, g, d = gan.recipe.batch_size, gan.generator, gan.discriminator
    return [
        Pass("G", g, n, weights=True, to_input=False),
        Pass("D for D", d, 2 * n, weights=True, to_input=False),
        Pass("D for G", d, n, weights=False, to_input=True),
    ]


def penalty_macs(gan: dcgan.Gan, k: int) -> int:
    """Count the MACs that the penalty takes in layer k of D.

    With h = W a forward and s = W' t backward (W' the transpose, t the
    gradient at h), the penalty is a function of the last s, the slope of
    the logit at the image. Each layer takes four products: W a, W' t, and
    for the gradient of the penalty the tangent W u, where u is the gradient
    at s, and the weight gradient t u'. The last layer takes two: the slope
    does not depend on the logit, and t is the constant 1 there, which has no
    use for a tangent. LeakyReLU is piecewise linear and adds no second-order
    term. TensorFlow 2.21 yet sends zeros back through the forward products,
    because its gradient of LeakyReluGrad returns zeros where there is none;
    the step does not need them, so they are not counted.

    Args:
        gan: the run.
        k: number of the layer, from 0.

    Returns:
        MACs a step; 0 without penalty.
    """
    if not gan.recipe.r1_gamma:
        return 0
    n = math.ceil(gan.recipe.batch_size / 4)  # every fourth image
    is_last = k == len(gan.discriminator.layers) - 1
    return n * (2 if is_last else 4) * layer_macs(gan.discriminator.layers[k])


def step_macs(gan: dcgan.Gan) -> pd.DataFrame:
    """Count the multiply-accumulates that one step needs, by layer.

    A gradient of the weights and a gradient of the input cost as much as the
    forward product; the first layer of a network takes the latter only where
    the gradient goes on into the images. Batch normalisation, activations,
    losses, optimisers and the average count as 0.

    Args:
        gan: the run.

    Returns:
        A row a layer: network, layer, MACs an image (forward), MACs a step.
    """
    rows = []
    for model in (gan.generator, gan.discriminator):
        own = [one for one in passes(gan) if one.model is model]
        for k, layer in enumerate(model.layers):
            macs = sum(one.macs(k) for one in own)
            if model is gan.discriminator:
                macs += penalty_macs(gan, k)
            name = f"{k + 1} {type(layer).__name__}"
            rows.append((model.name, name, layer_macs(layer), macs))
    columns = ["network", "layer", "MACs an image", "MACs a step"]
    return pd.DataFrame(rows, columns=columns)


# What is timed


def random_images(n: int) -> np.ndarray:
    """Draw noise of the images' shape: float32 (n, 28, 28, 1) in [-1, 1)."""
    x = np.random.default_rng(0).random((n, 28, 28, 1), dtype=np.float32)
    x *= 2  # in place: a second array would count as memory of the run
    x -= 1
    return x


def whole_step(gan: dcgan.Gan, x: np.ndarray) -> Part:
    """Prepare a turn of the loop of `fit`: images, compiled step, numbers."""
    step, recipe = training.compile_step(gan), gan.recipe

    def turn() -> np.ndarray:
        k = int(gan.step)
        rows = training.batch_rows(len(x), recipe.batch_size, recipe.seed, k)
        return step(x[rows]).numpy()

    macs = int(step_macs(gan)["MACs a step"].sum())
    return Part("step", turn, macs, compiled=False)


def convolution(n: int, side: int, kernel: tuple, stride: int) -> Part:
    """Prepare a forward Conv2D of n float32 inputs (side, side, maps)."""
    x = tf.random.stateless_normal((n, side, side, kernel[2]), (0, 0))
    w = tf.random.stateless_normal(kernel, (0, 1))
    out = math.ceil(side / stride)
    name = (
        f"{n} x {side}x{side}x{kernel[2]} -> {out}x{out}x{kernel[3]}, "
        f"{kernel[0]}x{kernel[1]}, stride {stride}"
    )
    call = tf.function(lambda x: tf.nn.conv2d(x, w, stride, "SAME"))
    return Part(name, lambda: call(x), n * out**2 * math.prod(kernel))


def machine_parts(gan: dcgan.Gan) -> list[Part]:
    """Prepare two convolutions of common shapes and the largest of D."""
    convolutions = [
        layer
        for layer in gan.discriminator.layers
        if isinstance(layer, layers.Conv2D)
    ]
    own = max(convolutions, key=layer_macs)
    n, side = 2 * gan.recipe.batch_size, own.input.shape[1]
    return [
        convolution(64, 14, (3, 3, 64, 64), 1),
        convolution(64, 14, (3, 3, 128, 128), 1),
        convolution(n, side, tuple(own.kernel.shape), own.strides[0]),
    ]


def layer_part(one: Pass, k: int) -> Part:
    """Prepare layer k of a pass alone, at the batch that it sees."""
    layer = one.model.layers[k]
    x, slopes = (
        tf.random.stateless_normal((one.images, *shape[1:]), (0, 0))
        for shape in (layer.input.shape, layer.output.shape)
    )

    @tf.function
    def forward(x: tf.Tensor) -> tf.Tensor:
        return layer(x, training=True)

    @tf.function
    def both(x: tf.Tensor, slopes: tf.Tensor) -> tuple:
        wanted = list(layer.trainable_variables) if one.weights else []
        with tf.GradientTape() as tape:
            if one.to_input or k > 0:
                tape.watch(x)
                wanted.append(x)
            y = layer(x, training=True)
        return y, tape.gradient(y, wanted, slopes)

    name = f"{one.title}: {k + 1} {type(layer).__name__}"
    return Part(name, lambda: both(x, slopes), one.macs(k), lambda: forward(x))


def penalty_part(gan: dcgan.Gan, images: tf.Tensor) -> Part:
    """Prepare the penalty and its gradient."""

    @tf.function
    def gradient(x: tf.Tensor) -> list:
        with tf.GradientTape() as tape:
            loss = dcgan.slope_penalty(gan, x)
        return tape.gradient(loss, gan.discriminator.trainable_variables)

    n_layers = len(gan.discriminator.layers)
    macs = sum(penalty_macs(gan, k) for k in range(n_layers))
    return Part("D: penalty", lambda: gradient(images[::4]), macs)


def parts_of(gan: dcgan.Gan, x: np.ndarray) -> list[Part]:
    """Prepare all parts of a step; the optimisers see gradients of 0."""
    recipe, count = gan.recipe, itertools.count()
    images = tf.constant(x[: recipe.batch_size])
    idle = training.compile_step(gan, lambda gan, x: tf.zeros(()))

    def data() -> tf.Tensor:
        size, seed = recipe.batch_size, recipe.seed
        rows = training.batch_rows(len(x), size, seed, next(count))
        return tf.convert_to_tensor(x[rows])

    def adam(title: str, model: keras.Model, optimizer: object) -> Part:
        variables = model.trainable_variables
        zeros = [tf.zeros_like(v) for v in variables]
        update = tf.function(lambda: optimizer.apply(zeros, variables))
        return Part(f"{title}: Adam", update)

    def python() -> tuple:
        return int(gan.step), idle(images).numpy()

    average = tf.function(lambda: dcgan.update_average(gan))
    return [
        *(
            layer_part(one, k)
            for one in passes(gan)
            for k in range(len(one.model.layers))
        ),
        *([penalty_part(gan, images)] if recipe.r1_gamma else []),
        adam("G", gan.generator, gan.g_optimizer),
        adam("D", gan.discriminator, gan.d_optimizer),
        Part("moving average", average),
        Part("data", data, compiled=False),
        Part("Python", python, compiled=False),
    ]


# Measurements


def median_ms(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Time calls that take turns; the first ones, which trace, do not count.

    Args:
        calls: functions without arguments.
        rounds: turns each.

    Returns:
        Median milliseconds of each.
    """
    times = np.zeros((len(calls), rounds, BURST))
    for call in calls:
        for _ in range(3):
            call()
    for i, k, j in itertools.product(
        range(rounds), range(len(calls)), range(BURST)
    ):
        start = time.perf_counter()
        calls[k]()
        times[k, i, j] = 1e3 * (time.perf_counter() - start)
    return np.median(times, axis=(1, 2)).tolist()


def measure(parts: list[Part], rounds: int) -> pd.DataFrame:
    """Time parts that take turns.

    Args:
        parts: what to time.
        rounds: turns each.

    Returns:
        A row a part: part, forward ms, backward ms, ms, MMAC, GMAC/s.
    """
    nothing, empty = tf.zeros(1), tf.function(lambda x: x + 0)
    forwards = [part.forward for part in parts if part.forward]
    calls = [lambda: empty(nothing), *(part.call for part in parts)]
    off, *times = median_ms([*calls, *forwards], rounds)
    first = iter(times[len(parts) :])
    rows = []
    for part, ms in zip(parts, times, strict=False):
        forward = next(first) - off if part.forward else np.nan
        ms -= off if part.compiled else 0
        mmac = part.macs / 1e6 if part.macs else np.nan
        rate = mmac / ms if ms > 0 else np.nan
        rows.append((part.name, forward, ms - forward, ms, mmac, rate))
    columns = ["part", "forward ms", "backward ms", "ms", "MMAC", "GMAC/s"]
    return pd.DataFrame(rows, columns=columns)


def step_sections(recipe: dcgan.Recipe, settings: Settings) -> list[Section]:
    """Measure the machine, the step and its parts, taking turns.

    Args:
        recipe: of the run.
        settings: how much.

    Returns:
        Four sections: ratio, rate, arithmetic, parts.
    """
    x = random_images(settings.n_train)
    gan, spare = dcgan.build_gan(recipe), dcgan.build_gan(recipe)
    machine = machine_parts(spare)
    step = whole_step(gan, x)
    table = measure([*machine, step, *parts_of(spare, x)], settings.rounds)
    rates = table[: len(machine)].sort_values("GMAC/s", ascending=False)
    ms, best = table["ms"][len(machine)], rates["GMAC/s"].iloc[0]
    row = {"step ms": ms, "MMAC a step": step.macs / 1e6}
    row |= {"GMAC/s, machine": best, "arithmetic ms": step.macs / 1e6 / best}
    ratio = ms / row["arithmetic ms"]
    parts = table[len(machine) + 1 :]
    rest = pd.DataFrame([{"part": "the rest", "ms": ms - parts["ms"].sum()}])
    parts = pd.concat([parts, rest, table[len(machine) :][:1]])
    parts.insert(4, "% of step", 100 * parts["ms"] / ms)
    goal = f"Goal: at most {GOAL:g}; {'met' if ratio <= GOAL else 'missed'}."
    best_note = f"Forward Conv2D, float32. The machine's: {rates.iloc[0, 0]}."
    rates = rates[["part", "MMAC", "ms", "GMAC/s"]]
    return [
        ("Step and arithmetic", goal, pd.DataFrame([row | {"ratio": ratio}])),
        ("Convolution rate", best_note, rates),
        ("Arithmetic of a step", MACS_NOTE, step_macs(gan)),
        ("Parts of a step", PART_NOTE, parts),
    ]


def growth_table(
    changed: list[dcgan.Recipe], settings: Settings
) -> pd.DataFrame:
    """Time the steps of several recipes, taking turns.

    Args:
        changed: the recipes.
        settings: how much; a fourth of the rounds.

    Returns:
        A row a recipe: batch, width, MMAC, ms, images/s, GMAC/s.
    """
    x = random_images(settings.n_train)
    steps = [whole_step(dcgan.build_gan(recipe), x) for recipe in changed]
    table = measure(steps, math.ceil(settings.rounds / 4))
    batch = np.array([recipe.batch_size for recipe in changed])
    table.insert(0, "batch", batch)
    table.insert(1, "width", [recipe.width for recipe in changed])
    table["images/s"] = 1e3 * batch / table["ms"]
    return table[["batch", "width", "MMAC", "ms", "images/s", "GMAC/s"]]


def peak_memory(n: int) -> float:
    """Train a few steps on n images and return this process's memory peak.

    Args:
        n: images.

    Returns:
        MiB of resident memory at its peak, since the process began.
    """
    training.fit(dcgan.build_gan(RECIPE), random_images(n), MEMORY_STEPS)
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux ru_maxrss would start at the peak of the parent process.
        lines = status.read_text(encoding="utf-8").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM"))
        return int(peak.split()[1]) / 2**10
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):  # Windows
        return info.peak_wset / 2**20
    import resource  # Windows has no such module

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def memory_table(sizes: tuple[int, ...]) -> pd.DataFrame:
    """Measure the memory peak against data size, a fresh process each.

    Args:
        sizes: images in memory.

    Returns:
        A row a size: images, MiB as uint8, MiB as float32, peak MiB.
    """
    code = "from studies import step_time; print(step_time.peak_memory({}))"
    rows = []
    for n in sizes:
        output = subprocess.run(
            [sys.executable, "-c", code.format(n)],
            cwd=runtime.ROOT,
            check=True,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ).stdout
        mib = n * 28 * 28 / 2**20
        rows.append((n, mib, 4 * mib, float(output.split()[-1])))
    columns = ["images", "uint8 MiB", "float32 MiB", "peak MiB"]
    return pd.DataFrame(rows, columns=columns)


# Report


def report(recipe: dcgan.Recipe, settings: Settings) -> str:
    """Measure everything.

    Args:
        recipe: of the run.
        settings: how much.

    Returns:
        A Markdown text.
    """
    change = dataclasses.replace
    batches = [change(recipe, batch_size=n) for n in settings.batches]
    widths = [
        change(recipe, width=k * recipe.width, d_width=k * recipe.d_width)
        for k in settings.widths
    ]
    sections = step_sections(recipe, settings)
    for title, changed in (("batch size", batches), ("width", widths)):
        table = growth_table(changed, settings)
        sections.append((f"Time against {title}", "A step each.", table))
    memory = memory_table(settings.sizes)
    sections.append(("Memory against data size", MEMORY_NOTE, memory))
    head = (
        f"# Time of a training step\n\nMedians on {platform.machine()}, "
        f"{os.cpu_count()} CPU cores, {platform.system()}, TensorFlow "
        f"{tf.__version__}, Keras {version('keras')}.\n\n{recipe}\n"
    )
    texts = [
        f"\n## {title}\n\n{note}\n\n{tables.markdown(table)}\n"
        for title, note, table in sections
    ]
    return head + "".join(texts)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, measure, print and write the report.

    Args:
        arguments: those of the command line by default.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="folder")
    parser.add_argument("--quick", action="store_true", help="a trial run")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    # It would take the layers for one function that is traced again.
    tf.get_logger().setLevel("ERROR")
    text = report(RECIPE, QUICK if options.quick else Settings())
    (options.out / "step_time.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
