"""The step of the DCGAN: losses, penalty, average."""

import ast
import dataclasses

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure

from helpers import data, runtime, training
from helpers.backend import keras, layers, ops, tf
from helpers.lessons import dcgan, diagrams, theory

RECIPE = dcgan.Recipe(seed=1, latent_dim=8, width=8, d_width=8, batch_size=16)


@pytest.fixture(scope="module")
def x_train():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (100, 28, 28, 1)).astype("float32")


def test_each_half_step_moves_its_own_network(x_train):
    gan = dcgan.build_gan(RECIPE)
    z = training.sample_z(16, RECIPE.latent_dim, 0, 0)
    with tf.GradientTape() as g_tape:
        x_fake = gan.generator(z, training=True)

    def weights(model):
        return [ops.convert_to_numpy(v) for v in model.trainable_variables]

    def same(one, two):
        return [np.array_equal(a, b) for a, b in zip(one, two, strict=True)]

    g, d = weights(gan.generator), weights(gan.discriminator)
    dcgan.discriminator_step(gan, x_train[:16], x_fake)
    assert all(same(g, weights(gan.generator)))
    assert not any(same(d, weights(gan.discriminator)))
    d = weights(gan.discriminator)
    dcgan.generator_step(gan, x_fake, g_tape)
    assert all(same(d, weights(gan.discriminator)))
    assert not any(same(g, weights(gan.generator)))


def test_losses_have_their_closed_forms():
    logits = np.linspace(-4, 4, 9, dtype="float32")[:, None]
    p = 1 / (1 + np.exp(-logits.astype(float)))
    d_loss = dcgan.discriminator_loss(logits, logits[::-1])
    assert float(d_loss) == pytest.approx(-2 * np.log(p).mean(), abs=1e-6)
    g_loss = dcgan.generator_loss(logits)
    assert float(g_loss) == pytest.approx(-np.log(p).mean(), abs=1e-6)


def test_the_average_follows_its_formula(x_train):
    gan = dcgan.build_gan(RECIPE)
    fast = [ops.convert_to_numpy(v) for v in gan.generator.variables]
    for variable in gan.average.variables:
        variable.assign(ops.zeros_like(variable))
    gan.step.assign(5)  # decay (1 + 5) / (10 + 5) = 0.4
    dcgan.update_average(gan)
    for slow, want in zip(gan.average.variables, fast, strict=True):
        assert np.allclose(ops.convert_to_numpy(slow), 0.6 * want, atol=1e-6)
    gan.step.assign(10**6)
    before = [ops.convert_to_numpy(v) for v in gan.average.variables]
    dcgan.update_average(gan)
    decay = RECIPE.ema_decay
    for slow, old, new in zip(
        gan.average.variables, before, fast, strict=True
    ):
        want = decay * old + (1 - decay) * new
        assert np.allclose(ops.convert_to_numpy(slow), want, atol=1e-6)


def test_the_penalty_of_a_plane_has_its_closed_form(x_train):
    gan = dcgan.build_gan(dataclasses.replace(RECIPE, r1_gamma=3.0))
    plane = keras.layers.Dense(1)
    gan.discriminator = keras.Sequential([keras.layers.Flatten(), plane])
    penalty = dcgan.slope_penalty(gan, x_train[:4])
    slope = ops.convert_to_numpy(plane.kernel)
    assert float(penalty) == pytest.approx(1.5 * (slope**2).sum(), rel=1e-5)


def test_the_penalty_flattens_the_discriminator(x_train):
    slopes, losses = [], []
    for gamma in (0.0, 100.0):
        recipe = dataclasses.replace(RECIPE, r1_gamma=gamma)
        gan = dcgan.build_gan(recipe)
        x_fake = -x_train[:16]
        for _ in range(20):
            loss, *_ = dcgan.discriminator_step(gan, x_train[:16], x_fake)
        losses.append(float(loss))
        gan.recipe = dataclasses.replace(RECIPE, r1_gamma=2.0)
        slopes.append(float(dcgan.slope_penalty(gan, x_train)))
    assert slopes[1] < 0.5 * slopes[0]
    assert losses[0] < losses[1] < 2 * np.log(2)  # without the penalty


def test_the_loud_errors_of_the_popular_recipe_stop_it():
    with pytest.raises(ValueError, match="total size"):
        keras.Sequential([keras.Input((256,)), layers.Reshape((7, 7, 256))])
    with pytest.raises(TypeError, match="Invalid shape"):
        Figure().subplots().imshow(np.zeros((16, 28, 28)))
    dense = layers.Dense(7 * 7 * 256), layers.Reshape((7, 7, 256))
    paint = layers.Conv2DTranspose(128, 5, padding="same")
    last = layers.Conv2DTranspose(1, 5, strides=2, padding="same")
    small = keras.Sequential([keras.Input((100,)), *dense, paint, last])
    assert small.output_shape[1:] == (14, 14, 1)


def test_the_first_losses_of_twelve_seeds_are_as_the_page_says():
    x_real = data.load("train", 64)[0]
    right, twice = [], []
    for k in range(12):
        gan = dcgan.build_gan(dcgan.Recipe(k))
        x_fake = gan.generator(training.sample_z(64, 64, k, 0), training=True)
        logits = [gan.discriminator(x) for x in (x_real, x_fake)]
        right.append(float(dcgan.discriminator_loss(*logits)))
        squashed = map(ops.sigmoid, logits)
        twice.append(float(dcgan.discriminator_loss(*squashed)))
    assert 1.28 < min(right) < 1.33 and 1.41 < max(right) < 1.44
    assert min(twice) > 1.42 and max(twice) < 1.47


def test_a_fast_generator_still_overshoots_less_with_the_penalty():
    games = (0, 1), (2, 1), (2, 3)  # gamma, pace
    plain, slow, fast = (theory.game(k, 0.2, pace=p)[:, 2] for k, p in games)
    arrivals = [np.argmax(shifts >= 3) for shifts in (plain, slow, fast)]
    assert arrivals == [54, 191, 54]
    assert slow.max() < 3.05 < fast.max() < 3.25 < plain.max()
    late = [np.abs(shifts[400:] - 3).max() for shifts in (plain, fast)]
    assert late[0] < 0.1 and late[1] < 0.01


def test_the_lines_of_the_record_show_each_seed():
    rungs = dcgan.ladder()
    fig = dcgan.ladder_figure("t", rungs)
    lines = fig.axes[0].lines
    shown = [line.get_xdata() for line in lines]
    assert np.array_equal(shown, rungs.to_numpy())
    widths = [line.get_linewidth() for line in lines]
    assert widths[0] > max(widths[1:])
    gains = -rungs.diff(axis=1).iloc[:, 1:]
    assert gains.mean().idxmax() == "+ penalty"
    assert (gains.idxmax(axis=1) == "+ beta_1 = 0").sum() == 2
    plt.close(fig)


def test_the_diagram_names_the_layers_as_they_are():
    fig = diagrams.dcgan()
    told = [text.get_text() for text in fig.axes[0].texts]
    g, d = dcgan.build_generator(64), dcgan.build_discriminator()
    for model in (g, d):
        grids = [layer.output.shape[1:] for layer in model.layers]
        names = {"x".join(map(str, grid)) for grid in grids if len(grid) == 3}
        assert names <= set(told)
    assert {"64", "128", "logit"} <= set(told)
    assert told.count("14x14x16") == 2 and told.count("dense") == 3
    plt.close(fig)


def taught_step():
    """Return the full step of the lesson, as its cells define it."""
    [path] = (runtime.ROOT / "notebooks").glob("03_*.ipynb")
    names = {"ops": ops, "tf": tf, "dcgan": dcgan, "late_steps": ()}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.FunctionDef):
                    exec(ast.unparse(node), names)
    return names["full_step"]


def test_the_step_of_the_lesson_moves_as_the_package_does():
    images = np.random.default_rng(0).uniform(-1, 1, (64, 28, 28, 1))
    runs = [dcgan.build_gan(RECIPE) for _ in range(2)]
    before = runs[0].generator.get_weights()[0]
    steps = taught_step(), dcgan.train_step
    for gan, step in zip(runs, steps, strict=True):
        training.fit(gan, images.astype("float32"), 3, step=step)
    one, two = (gan.generator.get_weights()[0] for gan in runs)
    moved = np.abs(two - before).mean()
    assert np.abs(one - two).mean() < 0.02 * moved
    assert np.allclose(runs[0].history[0][2:], runs[1].history[0][2:], 1e-4)
