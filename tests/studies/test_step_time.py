"""MACs of a step by hand and by its graph; the tables of a small run."""

import functools
import math
import time

import numpy as np
import pandas as pd
import pytest

from helpers.backend import keras, tf
from helpers.lessons import dcgan
from studies import step_time
from studies.step_time import Part, layer_macs, step_macs
from tools.tables import cell, markdown

# Of a layer on one image: kernel positions times kernel size.
G_MACS = [64 * 3136, 7 * 7 * 4 * 4 * 64 * 32, 14 * 14 * 4 * 4 * 32]
D_MACS = [
    14 * 14 * 4 * 4 * 16,
    14 * 14 * 3 * 3 * 16 * 16,
    7 * 7 * 4 * 4 * 16 * 32,
    1568 * 128,
    128,
]
PRODUCTS = ("MatMul", "Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")


def course(**changes):
    return dcgan.build_gan(dcgan.Recipe(seed=0, **changes))


def counted(gan):
    """Layers with MACs: those an image and those a step."""
    table = step_macs(gan)
    table = table[table["MACs an image"] > 0]
    return table["MACs an image"].tolist(), table["MACs a step"].tolist()


def test_macs_of_the_course_networks():
    image, step = counted(course(batch_size=32, r1_gamma=0))
    assert image == G_MACS + D_MACS
    # G: 32 images, first layer without input gradient. D: 64 images with
    # weights, then 32 without, whose gradient goes on into the images.
    g_products = [64, 96, 96]
    d_products = [2 * 64 + 2 * 32, *[3 * 64 + 2 * 32] * 4]
    products = zip(image, g_products + d_products, strict=True)
    assert step == [macs * n for macs, n in products]


def test_the_penalty_adds_products_on_a_fourth_of_the_images():
    without, with_it = (
        counted(course(batch_size=6, r1_gamma=gamma))[1] for gamma in (0, 1)
    )
    more = [b - a for a, b in zip(without, with_it, strict=True)]
    d_products = [2 * 4, 2 * 4, 2 * 4, 2 * 4, 2 * 2]  # 2 of 6 images
    penalty = [a * n for a, n in zip(D_MACS, d_products, strict=True)]
    assert more == [0, 0, 0, *penalty]


def macs_of(op):
    """MACs of one operation of a graph, from its shapes."""
    if op.type == "MatMul":
        inner = op.inputs[0].shape[0 if op.get_attr("transpose_a") else 1]
        return math.prod(op.outputs[0].shape) * inner
    small = op.outputs[0] if op.type == "Conv2D" else op.inputs[2]
    is_filter = op.type == "Conv2DBackpropFilter"
    kernel = op.outputs[0] if is_filter else op.inputs[1]
    return math.prod(small.shape[:3]) * math.prod(kernel.shape)


def graph_macs(gan):
    """MACs of all that the results and the updates of a step depend on."""
    n = gan.recipe.batch_size
    images = tf.TensorSpec([n, 28, 28, 1], tf.float32)
    step = tf.function(functools.partial(dcgan.train_step, gan))
    graph = step.get_concrete_function(images).graph
    open_ops = [t.op for t in graph.outputs] + list(graph.control_outputs)
    seen = set()
    while open_ops:
        op = open_ops.pop()
        if op not in seen:
            seen.add(op)
            open_ops += [t.op for t in op.inputs] + list(op.control_inputs)
    return sum(macs_of(op) for op in seen if op.type in PRODUCTS)


def test_the_graph_of_the_step_agrees():
    gan = course(batch_size=6, width=8, latent_dim=5, r1_gamma=1)
    image, step = counted(gan)
    d_macs = image[len(G_MACS) :]
    # TensorFlow sends zeros back through the two images' forward products of
    # all layers but the last; where it no longer does, expect no more.
    zeros = 2 * (d_macs[0] + 2 * sum(d_macs[1:-1]))
    assert graph_macs(gan) == sum(step) + zeros


def test_a_layer_that_nobody_counted_is_refused():
    layer = keras.layers.DepthwiseConv2D(3)
    keras.Sequential([keras.Input((8, 8, 2)), layer])
    with pytest.raises(TypeError, match="Add its count"):
        layer_macs(layer)


def test_markdown():
    table = pd.DataFrame(
        {"part": ["a", "b"], "n": [1_234, 5], "ms": [np.nan, 0.012345]}
    )
    assert markdown(table).splitlines() == [
        "| part | n | ms |",
        "| --- | ---: | ---: |",
        "| a | 1,234 |  |",
        "| b | 5 | 0.0123 |",
    ]
    assert [cell(99.94), cell(1_234.5), cell(-0.5)] == [
        "99.9",
        "1,234",
        "-0.5",
    ]


def test_measured_times_are_those_of_the_part():
    def sleep(ms):
        return lambda: time.sleep(ms / 1e3)

    parts = [
        Part("plain", sleep(5), compiled=False),
        Part("both", sleep(60), 10**9, sleep(20)),
    ]
    plain, both = step_time.measure(parts, rounds=1).to_dict("records")
    assert plain["ms"] >= 5
    assert math.isnan(plain["forward ms"]) and math.isnan(plain["GMAC/s"])
    assert both["forward ms"] + both["backward ms"] == pytest.approx(
        both["ms"]
    )
    # Less an empty call, and later than asked for on a busy machine.
    assert both["forward ms"] == pytest.approx(20, abs=15)
    assert both["ms"] == pytest.approx(60, abs=15)
    assert both["GMAC/s"] == pytest.approx(1e3 / both["ms"])


def test_a_small_run_writes_all_tables(tmp_path, monkeypatch):
    recipe = dcgan.Recipe(
        seed=0, latent_dim=4, width=4, batch_size=4, r1_gamma=1
    )
    settings = step_time.Settings(1, (8,), (2,), (), 64)
    monkeypatch.setattr(step_time, "RECIPE", recipe)
    monkeypatch.setattr(step_time, "QUICK", settings)
    measured = {}
    sections = step_time.step_sections

    def noted(*arguments):
        found = sections(*arguments)
        measured.update({title: table for title, _, table in found})
        return found

    monkeypatch.setattr(step_time, "step_sections", noted)
    step_time.main(["--quick", "--out", str(tmp_path / "new")])
    text = (tmp_path / "new" / "step_time.md").read_text(encoding="utf-8")
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert len(titles) == 7 and "| 8 | 4 |" in text and "| 4 | 8 |" in text
    ratio = measured["Step and arithmetic"].iloc[0]
    assert ratio["ratio"] == ratio["step ms"] / ratio["arithmetic ms"]
    rates = measured["Convolution rate"]["GMAC/s"]
    assert ratio["GMAC/s, machine"] == rates.max() > 0
    parts = measured["Parts of a step"].set_index("part")
    apart = parts.drop("step")
    gan = dcgan.build_gan(recipe)
    n_layers = len(gan.generator.layers) + 2 * len(gan.discriminator.layers)
    # penalty, two optimisers, average, data, Python, the rest
    assert len(apart) == n_layers + 7
    assert apart["ms"].sum() == pytest.approx(parts.loc["step", "ms"])
    assert apart["MMAC"].sum() == pytest.approx(parts.loc["step", "MMAC"])


def test_memory_of_a_fresh_process():
    table = step_time.memory_table((2_000,)).iloc[0]
    assert table["float32 MiB"] == 4 * table["uint8 MiB"]
    assert table["uint8 MiB"] == pytest.approx(1.5, abs=0.01)
    assert 100 < table["peak MiB"] < 4_000
