"""The step, the order of things, and exact resume."""

import _thread
import dataclasses
import functools
import signal
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from helpers import data, training
from helpers.backend import ops, tf
from helpers.lessons import dcgan

N_STEPS = 120
RECIPE = dcgan.Recipe(seed=1, latent_dim=8, width=8, d_width=8, batch_size=16)


@pytest.fixture(scope="module")
def x_train():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (100, 28, 28, 1)).astype("float32")


@pytest.fixture(scope="module")
def straight(x_train):
    """A run that nobody stopped."""
    gan = dcgan.build_gan(RECIPE)
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
    seconds = dcgan.Gan.COLUMNS.index("seconds")
    assert np.array_equal(
        np.delete(first, seconds, 1), np.delete(second, seconds, 1)
    )


def test_the_same_recipe_gives_the_same_run_twice(straight, x_train):
    again = dcgan.build_gan(RECIPE)
    training.fit(again, x_train, N_STEPS)
    assert_same(straight, again)


def test_another_seed_gives_another_run(x_train):
    recipes = [dataclasses.replace(RECIPE, seed=seed) for seed in (1, 2)]
    one, two = map(dcgan.build_gan, recipes)
    weights = one.generator.variables[0], two.generator.variables[0]
    assert not np.array_equal(*map(ops.convert_to_numpy, weights))
    draws = [dcgan.draw_z(gan, x_train[:4]) for gan in (one, two)]
    assert not np.array_equal(*draws)
    orders = [training.batch_rows(100, 16, seed, 0) for seed in (1, 2)]
    assert not np.array_equal(*orders)


def test_resume_from_a_file_is_exact(x_train, tmp_path, uncompiled):
    # Lesson 03 resumes a compiled run and checks the same.
    path = tmp_path / "state.npz"
    straight, gan = dcgan.build_gan(RECIPE), dcgan.build_gan(RECIPE)
    assert training.fit(straight, x_train, 12)
    # An epoch has 7 steps: the stops fall before, at and after its end.
    for step in (6, 7, 8):
        assert not training.fit(gan, x_train, 12, stop_at(step))
        assert int(gan.step) == step
        training.save_state(gan, path)
        gan = dcgan.build_gan(RECIPE)
        training.load_state(gan, path)
    assert training.fit(gan, x_train, 12)
    assert_same(straight, gan)


def interrupt_soon(steps, delay):
    """Press Ctrl-C from another thread, somewhere within a later step."""

    def callback(gan):
        if int(gan.step) == steps:
            threading.Timer(delay, _thread.interrupt_main).start()

    return callback


def test_an_interrupt_at_any_time_loses_nothing(straight, x_train):
    gan = dcgan.build_gan(RECIPE)
    for steps, delay in ((10, 0.001), (60, 0.0035)):
        callback = interrupt_soon(steps, delay)
        assert not training.fit(gan, x_train, N_STEPS, callback)
        assert steps <= int(gan.step) < N_STEPS
        assert [row[0] for row in gan.history] == [*range(1, gan.step + 1)]
    assert training.fit(gan, x_train, N_STEPS)
    assert_same(straight, gan)


def press(times=1):
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


def test_many_interrupts_within_a_step_lose_nothing(
    straight, x_train, tmp_path
):
    gan = dcgan.build_gan(RECIPE)
    step = training.compile_step(gan)

    def pressed_within(images):
        if int(gan.step) in times:
            press(times[int(gan.step)])
        stats = step(images)
        press(times.pop(int(gan.step) - 1, 0))
        return stats

    times, gan.compiled = {3: 1, 5: 2, 9: 10}, pressed_within
    for stopped in (4, 6, 10):
        assert not training.fit(gan, x_train, N_STEPS)
        assert int(gan.step) == len(gan.history) == stopped
        training.save_state(gan, tmp_path / "state.npz")
        again = dcgan.build_gan(RECIPE)
        training.load_state(again, tmp_path / "state.npz")
        assert_same(gan, again)
    assert training.fit(gan, x_train, N_STEPS)
    assert_same(straight, gan)


@dataclasses.dataclass
class CountRecipe:
    batch_size: int = 2
    seed: int = 0


@dataclasses.dataclass(kw_only=True)
class Count(training.Run):
    """A run whose one weight is the number of steps."""

    COLUMNS = ("step", "seconds", "weight")
    PARTS = ("part",)
    part: SimpleNamespace = dataclasses.field(
        default_factory=lambda: SimpleNamespace(variables=[tf.Variable(0.0)])
    )

    def take_step(self, images):
        [weight] = self.part.variables
        weight.assign_add(1)
        return [weight + 0]


def whole(run, path=None):
    """Whether step, weight and history agree, in a file as well."""
    rows = [(row[0], row[2]) for row in run.history]
    assert rows == [(k, k) for k in range(1, int(run.step) + 1)]
    assert float(run.part.variables[0]) == int(run.step)
    if path:
        training.save_state(run, path)
        again = Count(recipe=CountRecipe())
        training.load_state(again, path)
        whole(again)


def traced(press_now, function):
    """Call a function, and `press_now(k)` before line k of its module."""
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        if frame.f_code.co_filename != training.__file__:
            return None
        if event != "call":
            count += 1
            press_now(count)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return function(), count
    except KeyboardInterrupt:
        return None, count
    finally:
        sys.settrace(before)


def fit_traced(x_train, press_now):
    """Fit a new run for two steps; the run, what `fit` said, lines traced."""
    run = Count(recipe=CountRecipe())
    fit = functools.partial(training.fit, run, x_train, 2, lambda run: None)
    return run, *traced(press_now, fit)


@pytest.mark.parametrize("times", [1, 2, 10])
def test_interrupts_at_any_line_lose_nothing(x_train, tmp_path, times):
    default = signal.default_int_handler
    before = signal.signal(signal.SIGINT, default)
    _, finished, lines = fit_traced(x_train, lambda k: None)
    assert finished and lines > 30
    for moment in range(1, lines + 1):
        handlers = []

        def press_now(k, moment=moment, handlers=handlers):
            if k == moment:
                handlers.append(signal.getsignal(signal.SIGINT))
                press(times)

        run, finished, _ = fit_traced(x_train, press_now)
        assert signal.getsignal(signal.SIGINT) is default
        if finished is None:  # before or after: nothing can hold it there
            assert handlers == [default]
        else:
            assert finished == (int(run.step) == 2)
        whole(run)
        assert training.fit(run, x_train, 2)
        whole(run)
    signal.signal(signal.SIGINT, before)


def test_a_step_that_raises_does_not_count(x_train, tmp_path):
    run = Count(recipe=CountRecipe())
    assert training.fit(run, x_train, 2)

    def raises(run, images):
        raise RuntimeError("out of memory")

    def of_another_shape(run, images):
        return ops.ones((2, 2))

    def of_nothing(run, images):
        pass

    def of_too_many(run, images):
        return 1.0, 2.0

    def that_counts(run, images):
        run.step.assign_add(1)
        return 1.0

    faulty = (of_another_shape, of_nothing, of_too_many, that_counts)
    for step in (raises, *faulty):
        error = RuntimeError if step is raises else TypeError
        with pytest.raises(error):
            training.fit(run, x_train, 4, step=step)
        whole(run, tmp_path / "state.npz")
    assert training.fit(run, x_train, 4)
    whole(run, tmp_path / "state.npz")


def test_what_a_callback_raises_comes_after_the_row(x_train, tmp_path):
    run = Count(recipe=CountRecipe())

    def fails(run):
        raise RuntimeError("no screen")

    with pytest.raises(RuntimeError, match="no screen"):
        training.fit(run, x_train, 3, fails)
    whole(run, tmp_path / "state.npz")
    assert int(run.step) == 1


def test_a_second_interrupt_ends_a_callback_and_the_first_does_not(x_train):
    for times, ended in ((1, False), (2, True), (10, True)):
        run, seen = Count(recipe=CountRecipe()), []

        def long(run, times=times, seen=seen):
            press(times)
            seen.append("to its end")

        assert not training.fit(run, x_train, 3, long)
        assert (not seen) == ended
        assert int(run.step) == len(run.history) == 1


def test_a_callback_is_ended_once_and_what_follows_is_not():
    noted = training.Interrupts(may_raise=True)
    noted.note(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        noted.note(signal.SIGINT, None)
    noted.note(signal.SIGINT, None)
    assert noted.count == 3


def test_who_saves_a_run_may_hold_interrupts_back(x_train):
    run = Count(recipe=CountRecipe())
    with training.interrupts_noted() as noted:
        assert training.fit(run, x_train, 1)
        press(3)  # while it is saved
        assert not training.fit(run, x_train, 2)
    assert noted.count == 3 and int(run.step) == 1


def test_a_job_that_ignores_interrupts_still_does(x_train):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = Count(recipe=CountRecipe())
        assert training.fit(run, x_train, 2, lambda run: press(2))
    finally:
        signal.signal(signal.SIGINT, before)


def test_every_epoch_visits_every_image_once():
    rows = [training.batch_rows(100, 16, 1, step) for step in range(14)]
    first, second = np.concatenate(rows[:7]), np.concatenate(rows[7:])
    assert sorted(first) == sorted(second) == list(range(100))
    assert not np.array_equal(first, second)
    assert [len(r) for r in rows[:7]] == [16] * 6 + [4]


def test_fit_refuses_images_of_another_range(x_train):
    gan = dcgan.build_gan(RECIPE)
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        training.fit(gan, x_train * 2, 1)
    assert int(gan.step) == 0


def test_a_loss_that_is_not_finite_stops_the_run(x_train):
    gan = dcgan.build_gan(RECIPE)
    kernel = gan.discriminator.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, "float32"))
    with pytest.raises(FloatingPointError, match="step 1"):
        training.fit(gan, x_train, N_STEPS)


def test_generate_gives_images_in_range():
    gan = dcgan.build_gan(RECIPE)
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
    gan = dcgan.build_gan(RECIPE)
    with pytest.raises(training.StateError, match="train") as error:
        training.load_state(gan, path)
    assert int(gan.step) == 0 and not gan.history
    assert str(path) in str(error.value)


def test_labels_follow_their_images(x_train, uncompiled):
    run, seen = dcgan.build_gan(RECIPE), []
    y = np.arange(len(x_train), dtype="int32")

    def step(run, x, labels):
        seen.append((ops.convert_to_numpy(x), ops.convert_to_numpy(labels)))
        return ops.mean(x)

    training.fit(run, x_train, 7, step=step, y_train=y)
    for x, labels in seen:
        assert np.array_equal(x, x_train[labels])
    assert sorted(np.concatenate([y for _, y in seen])) == list(y)


def test_labels_of_another_number_are_refused(x_train):
    run = dcgan.build_gan(RECIPE)
    with pytest.raises(ValueError, match="y_train: expected 100 rows, one an"):
        training.fit(run, x_train, 1, y_train=np.zeros(99, "uint8"))
