"""The step, the order of things, and exact resume."""

import _thread
import dataclasses
import threading

import keras
import numpy as np
import pytest
from keras import ops

from helpers import data, training

N_STEPS = 120
RECIPE = training.Recipe(
    seed=1, latent_dim=8, width=8, d_width=8, batch_size=16
)


@pytest.fixture(scope="module")
def x_train():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (100, 28, 28, 1)).astype("float32")


@pytest.fixture(scope="module")
def straight(x_train):
    """A run that nobody stopped."""
    gan = training.build_gan(RECIPE)
    assert training.fit(gan, x_train, N_STEPS)
    return gan


def stop_at(step):
    def callback(gan):
        if int(gan.step) == step:
            raise KeyboardInterrupt

    return callback


PARTS = (
    "generator",
    "discriminator",
    "average",
    "g_optimizer",
    "d_optimizer",
)


def assert_same(one, two):
    # The parts are named here and not taken from the code under test, which
    # might forget one when it saves and when it compares.
    assert int(one.step) == int(two.step)
    for part in PARTS:
        pairs = zip(
            getattr(one, part).variables,
            getattr(two, part).variables,
            strict=True,
        )
        for first, second in pairs:
            values = map(ops.convert_to_numpy, (first, second))
            assert np.array_equal(*values), (part, first.path)
    first, second = np.array(one.history), np.array(two.history)
    seconds = training.COLUMNS.index("seconds")
    assert np.array_equal(
        np.delete(first, seconds, 1), np.delete(second, seconds, 1)
    )


def test_the_same_recipe_gives_the_same_run_twice(straight, x_train):
    again = training.build_gan(RECIPE)
    training.fit(again, x_train, N_STEPS)
    assert_same(straight, again)


def test_another_seed_gives_another_run(x_train):
    recipes = [dataclasses.replace(RECIPE, seed=seed) for seed in (1, 2)]
    one, two = map(training.build_gan, recipes)
    weights = one.generator.variables[0], two.generator.variables[0]
    assert not np.array_equal(*map(ops.convert_to_numpy, weights))
    draws = [training.draw_z(gan, x_train[:4]) for gan in (one, two)]
    assert not np.array_equal(*draws)
    orders = [training.batch_rows(100, 16, seed, 0) for seed in (1, 2)]
    assert not np.array_equal(*orders)


def test_resume_from_a_file_is_exact(x_train, tmp_path, uncompiled):
    # Lesson 03 resumes a compiled run and checks the same.
    path = tmp_path / "state.npz"
    straight, gan = training.build_gan(RECIPE), training.build_gan(RECIPE)
    assert training.fit(straight, x_train, 12)
    # An epoch has 7 steps: the stops fall before, at and after its end.
    for step in (6, 7, 8):
        assert not training.fit(gan, x_train, 12, stop_at(step))
        assert int(gan.step) == step
        training.save_state(gan, path)
        gan = training.load_state(path)
    assert training.fit(gan, x_train, 12)
    assert_same(straight, gan)


def interrupt_soon(steps, delay):
    """Press Ctrl-C from another thread, somewhere within a later step."""

    def callback(gan):
        if int(gan.step) == steps:
            threading.Timer(delay, _thread.interrupt_main).start()

    return callback


def test_an_interrupt_at_any_time_loses_nothing(straight, x_train):
    gan = training.build_gan(RECIPE)
    for steps, delay in ((10, 0.001), (60, 0.0035)):
        callback = interrupt_soon(steps, delay)
        assert not training.fit(gan, x_train, N_STEPS, callback)
        assert steps <= int(gan.step) < N_STEPS
        assert [row[0] for row in gan.history] == [*range(1, gan.step + 1)]
    assert training.fit(gan, x_train, N_STEPS)
    assert_same(straight, gan)


def test_each_half_step_moves_its_own_network(x_train):
    gan = training.build_gan(RECIPE)
    z = training.sample_z(16, RECIPE.latent_dim, 0, 0)
    with training.tf.GradientTape() as g_tape:
        x_fake = gan.generator(z, training=True)

    def weights(model):
        return [ops.convert_to_numpy(v) for v in model.trainable_variables]

    def same(one, two):
        return [np.array_equal(a, b) for a, b in zip(one, two, strict=True)]

    g, d = weights(gan.generator), weights(gan.discriminator)
    training.discriminator_step(gan, x_train[:16], x_fake)
    assert all(same(g, weights(gan.generator)))
    assert not any(same(d, weights(gan.discriminator)))
    d = weights(gan.discriminator)
    training.generator_step(gan, x_fake, g_tape)
    assert all(same(d, weights(gan.discriminator)))
    assert not any(same(g, weights(gan.generator)))


def test_losses_have_their_closed_forms():
    logits = np.linspace(-4, 4, 9, dtype="float32")[:, None]
    p = 1 / (1 + np.exp(-logits.astype(float)))
    d_loss = training.discriminator_loss(logits, logits[::-1])
    assert float(d_loss) == pytest.approx(-2 * np.log(p).mean(), abs=1e-6)
    g_loss = training.generator_loss(logits)
    assert float(g_loss) == pytest.approx(-np.log(p).mean(), abs=1e-6)


def test_the_average_follows_its_formula(x_train):
    gan = training.build_gan(RECIPE)
    fast = [ops.convert_to_numpy(v) for v in gan.generator.variables]
    for variable in gan.average.variables:
        variable.assign(ops.zeros_like(variable))
    gan.step.assign(5)  # decay (1 + 5) / (10 + 5) = 0.4
    training.update_average(gan)
    for slow, want in zip(gan.average.variables, fast, strict=True):
        assert np.allclose(ops.convert_to_numpy(slow), 0.6 * want, atol=1e-6)
    gan.step.assign(10**6)
    before = [ops.convert_to_numpy(v) for v in gan.average.variables]
    training.update_average(gan)
    decay = RECIPE.ema_decay
    for slow, old, new in zip(
        gan.average.variables, before, fast, strict=True
    ):
        want = decay * old + (1 - decay) * new
        assert np.allclose(ops.convert_to_numpy(slow), want, atol=1e-6)


def test_every_epoch_visits_every_image_once():
    rows = [training.batch_rows(100, 16, 1, step) for step in range(14)]
    first, second = np.concatenate(rows[:7]), np.concatenate(rows[7:])
    assert sorted(first) == sorted(second) == list(range(100))
    assert not np.array_equal(first, second)
    assert [len(r) for r in rows[:7]] == [16] * 6 + [4]


def test_fit_refuses_images_of_another_range(x_train):
    gan = training.build_gan(RECIPE)
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        training.fit(gan, x_train * 2, 1)
    assert int(gan.step) == 0


def test_a_loss_that_is_not_finite_stops_the_run(x_train):
    gan = training.build_gan(RECIPE)
    kernel = gan.discriminator.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, "float32"))
    with pytest.raises(FloatingPointError, match="step 1"):
        training.fit(gan, x_train, N_STEPS)


def test_generate_gives_images_in_range():
    gan = training.build_gan(RECIPE)
    z = training.sample_z(501, RECIPE.latent_dim, 0, 0)
    images = training.generate(gan.average, z)
    assert data.check_images(images).shape == (501, 28, 28, 1)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-500])


def replace_by_text(path):
    path.write_text("no state", encoding="utf-8")


def drop_an_array(path):
    arrays = dict(np.load(path))
    del arrays["generator.0"]
    np.savez(path, **arrays)


def reshape_an_array(path):
    arrays = dict(np.load(path))
    arrays["generator.0"] = arrays["generator.0"][:-1]
    np.savez(path, **arrays)


def drop_a_row_of_history(path):
    arrays = dict(np.load(path))
    arrays["history"] = arrays["history"][:-1]
    np.savez(path, **arrays)


def a_folder(path):
    path.unlink()
    path.mkdir()


def delete(path):
    path.unlink()


@pytest.mark.parametrize(
    "fault",
    [
        truncate,
        replace_by_text,
        drop_an_array,
        reshape_an_array,
        drop_a_row_of_history,
        a_folder,
        delete,
    ],
    ids=lambda fault: fault.__name__,
)
def test_a_damaged_state_is_refused(straight, tmp_path, fault):
    path = tmp_path / "state.npz"
    training.save_state(straight, path)
    fault(path)
    with pytest.raises(training.StateError, match="train") as error:
        training.load_state(path)
    assert str(path) in str(error.value)


def test_the_penalty_of_a_plane_has_its_closed_form(x_train):
    gan = training.build_gan(dataclasses.replace(RECIPE, r1_gamma=3.0))
    plane = keras.layers.Dense(1)
    gan.discriminator = keras.Sequential([keras.layers.Flatten(), plane])
    penalty = training.slope_penalty(gan, x_train[:4])
    slope = ops.convert_to_numpy(plane.kernel)
    assert float(penalty) == pytest.approx(1.5 * (slope**2).sum(), rel=1e-5)


def test_the_penalty_flattens_the_discriminator(x_train):
    slopes, losses = [], []
    for gamma in (0.0, 100.0):
        recipe = dataclasses.replace(RECIPE, r1_gamma=gamma)
        gan = training.build_gan(recipe)
        x_fake = -x_train[:16]
        for _ in range(20):
            loss, *_ = training.discriminator_step(gan, x_train[:16], x_fake)
        losses.append(float(loss))
        gan.recipe = dataclasses.replace(RECIPE, r1_gamma=2.0)
        slopes.append(float(training.slope_penalty(gan, x_train)))
    assert slopes[1] < 0.5 * slopes[0]
    assert losses[0] < losses[1] < 2 * np.log(2)  # without the penalty
