"""The networks of lesson 06: who is told the label, and what it reaches."""

import json

import numpy as np
import pytest
from matplotlib import pyplot as plt

from helpers import training
from helpers.backend import keras, ops, tf
from helpers.lessons import conditional, dcgan, dial

RECIPE = dcgan.Recipe(seed=1, latent_dim=8, width=8, d_width=8, batch_size=16)
WAYS = ("planes", "joined", "projection", "last")
rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (40, 28, 28, 1)).astype("float32")
Y = (np.arange(40) % 10).astype("uint8")


def test_a_label_is_ten_numbers_one_of_them_1():
    z = np.ones((3, 8), "float32")
    found = ops.convert_to_numpy(
        conditional.with_label(z, np.array([7, 0, 9]))
    )
    assert found.shape == (3, 18) and (found[:, :8] == 1).all()
    assert np.array_equal(found[:, 8:], np.eye(10)[[7, 0, 9]])


def test_of_ten_planes_that_of_the_label_is_1():
    found = ops.convert_to_numpy(conditional.planes(np.array([7, 0])))
    assert found.shape == (2, 28, 28, 10)
    assert (found == np.eye(10)[[7, 0]][:, None, None, :]).all()


def slopes(model, y):
    """Return the slope of the logit at X with claims y."""
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model([x, tf.constant(y)], training=True)
    return ops.convert_to_numpy(tape.gradient(logits, x))


@pytest.mark.parametrize("way", WAYS)
def test_a_claim_changes_what_d_wants_unless_it_comes_last(way):
    keras.utils.set_random_seed(0)
    model = conditional.build_discriminator(way, 8)
    for variable in model.trainable_variables:
        variable.assign(4 * variable)  # embeddings start small
    assert model([X, Y], training=True).shape == (40, 1)
    other = (Y + 1) % 10
    same = np.array_equal(slopes(model, Y), slopes(model, other))
    assert same == (way == "last")
    logits = [model([X, y], training=True) for y in (Y, other)]
    assert not np.allclose(*map(ops.convert_to_numpy, logits))


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="found 'plane'"):
        conditional.build_discriminator("plane")


@pytest.mark.parametrize("way", WAYS)
def test_a_run_is_the_same_twice_and_goes_on_exactly(way, tmp_path):
    runs = [conditional.build_gan(RECIPE, way) for _ in range(3)]
    for run in runs[:2]:
        assert training.fit(run, X, 4, y_train=Y)
    training.fit(runs[2], X, 2, y_train=Y)
    training.save_state(runs[2], tmp_path / "s.npz")
    again = conditional.build_gan(RECIPE, way)
    training.load_state(again, tmp_path / "s.npz")
    training.fit(again, X, 4, y_train=Y)
    z = training.sample_z(20, 8, 0, 0)
    first = runs[0].draw(z)
    assert np.array_equal(first, runs[1].draw(z))
    assert np.array_equal(first, again.draw(z))


def test_the_step_uses_the_labels_of_the_batch():
    drawn = []
    for labels in (Y, (Y + 1) % 10):
        run = conditional.build_gan(RECIPE)
        training.fit(run, X, 2, y_train=labels)
        drawn.append(run.draw(training.sample_z(20, 8, 0, 0)))
    assert not np.allclose(*drawn)


def test_each_move_changes_its_own_network(uncompiled):
    run = conditional.build_gan(RECIPE)
    before = [n.get_weights() for n in (run.generator, run.discriminator)]
    conditional.train_step(run, tf.constant(X[:16]), tf.constant(Y[:16]))
    after = [n.get_weights() for n in (run.generator, run.discriminator)]
    for one, other in zip(before, after, strict=True):
        assert not any(map(np.array_equal, one[-1:], other[-1:]))
    assert run.g_optimizer.iterations == run.d_optimizer.iterations == 1


def test_the_penalty_is_that_of_a_plain_d(uncompiled):
    # Without its vectors, a projection is the plain D.
    run = conditional.build_gan(RECIPE)
    [vectors] = [w for w in run.discriminator.weights if "embed" in w.path]
    vectors.assign(ops.zeros_like(vectors))
    plain = dcgan.build_gan(RECIPE)
    plain.discriminator.set_weights(
        [w for w in run.discriminator.get_weights() if w.shape != (10, 32)]
    )
    found = conditional.slope_penalty(run, tf.constant(X), tf.constant(Y))
    wanted = dcgan.slope_penalty(plain, X)
    assert np.isclose(found, wanted, rtol=1e-5) and wanted > 0


def test_beliefs_are_mean_logits_of_each_class_with_each_claim():
    run = conditional.build_gan(RECIPE)
    table = conditional.beliefs(run, X, Y)
    x = X[Y == 3]
    claims = np.full(len(x), 8)
    logits = run.discriminator([x, claims], training=False)
    assert table.shape == (10, 10)
    assert np.isclose(table[3, 8], ops.mean(logits), atol=1e-6)
    assert not np.isclose(table[8, 3], table[3, 8], atol=1e-6)


def test_draw_asks_for_the_classes_in_turn_or_for_those_given():
    generator = dcgan.build_generator(18, 8)
    z = training.sample_z(12, 8, 0, 0)
    found = conditional.draw(generator, z)
    turn = [*range(10), 0, 1]
    assert np.array_equal(found, conditional.draw(generator, z, turn))
    assert not np.allclose(found, conditional.draw(generator, z, [3] * 12))
    with pytest.raises(ValueError, match="one class for each of 12 z"):
        conditional.draw(generator, z, [3])
    with pytest.raises(ValueError, match="classes 0 to 9, found"):
        conditional.draw(generator, z, [10] * 12)


def test_a_dial_shows_what_the_generator_draws():
    generator, z = dcgan.build_generator(18, 8), training.sample_z(3, 8, 0, 0)
    turned = dial.Dial(generator, z)
    assert turned.images.shape == (3, 10, 28, 28, 1)
    wanted = conditional.draw(generator, z, [4] * 3)
    assert np.allclose(turned.images[:, 4], wanted, atol=1e-6)
    digit, hand, picture = turned.widget().children
    before = picture.value
    digit.value = 4
    hand.value = 2
    assert picture.value == turned.png(2, 4) != before
    assert (digit.max, hand.max) == (9, 2)


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A record of two ways, one tuning run, a cost and real digits."""

    def reading(fcd):
        classes = [fcd] * 9 + [2 * fcd]
        return {
            "steps": 7,
            "fcd": fcd,
            "agreement": [0.9] * 5 + [1.0] * 5,
            "class_fcd": classes,
            "diversity": [0.8] * 10,
        }

    def run(way, seed, fcd):
        marks = {"800": reading(fcd + 1), "2000": reading(fcd)}
        return {"way": way, "gamma": 1.0, "seed": seed, "marks": marks}

    rows = [
        {"way": "planes, cost", "gamma": 1.0, "seed": 0, "ratio": 1.2},
        run("real digits", 0, 1.0) | {"marks": {"0": reading(1.0)}},
        run("planes", 0, 8.0),
        run("planes", 1, 9.0),
        run("projection", 0, 5.0),
        run("projection", 100, 0.0),
    ]
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"runs": rows}), encoding="utf-8")
    monkeypatch.setattr(conditional, "RECORD", path)


def test_runs_that_chose_a_setting_are_left_out(record):
    table = conditional.runs()
    assert list(table["fcd"]) == [1, 8, 9, 5]
    assert list(table["hardest"]) == [2, 16, 18, 10]
    assert np.allclose(table["agreement"], 0.95)
    assert list(conditional.runs("800")["fcd"]) == [1, 9, 10, 6]
    assert dict(conditional.costs()) == {"planes": 1.2}


def test_dots_hold_every_run_and_the_line_of_real_digits(record):
    panels = {"fcd": "FCD", "agreement": "agreement"}
    fig = conditional.dots("t", conditional.runs(), panels)
    rows = [t.get_text() for t in fig.axes[0].get_yticklabels()]
    assert rows == ["projection", "planes"]
    xs = [list(line.get_xdata()) for line in fig.axes[0].lines]
    assert [8, 9] in xs and [5] in xs and [1, 1] in xs
    medians = [t.get_text() for ax in fig.axes for t in ax.texts]
    assert medians == ["5.0", "8.5", "0.950", "0.950"]
    low, high = fig.axes[0].get_xlim()
    assert low < 1 <= 9 < high
    plt.close(fig)


def test_shares_have_their_exact_intervals():
    hits = {"a": np.arange(10) < 9, "b": np.ones(10, bool)}
    fig = conditional.shares("t", hits)
    xs = [line.get_xdata() for line in fig.axes[0].lines]
    exact = [(0.555, 0.9975), (0.9, 0.9), (0.6915, 1), (1, 1)]
    for found, wanted in zip(xs, exact, strict=True):
        assert np.allclose((found[0], found[-1]), wanted, atol=1e-4)
    assert [t.get_text() for t in fig.axes[0].texts] == ["0.900", "1.000"]
    plt.close(fig)


def test_heat_writes_each_number(record):
    values = np.arange(100.0).reshape(10, 10)
    fig = conditional.heat("t", values)
    ax = fig.axes[0]
    assert [float(t.get_text()) for t in ax.texts] == list(range(100))
    assert np.array_equal(ax.images[0].get_array(), values)
    plt.close(fig)
    values[0, 1] = -900  # below the largest true claim: an arrow, no new scale
    fig = conditional.heat("t", values)
    assert fig.axes[0].images[0].get_clim() == (-99, 99)
    assert fig.axes[0].images[0].colorbar.extend == "min"
    plt.close(fig)
    with pytest.raises(ValueError, match="values"):
        conditional.heat("t", values[:9])


def test_scatter_draws_two_measures_and_their_correlation():
    x = np.arange(4.0)
    fig = conditional.scatter("t", {"a": x, "b": -x})
    ax = fig.axes[0]
    assert np.array_equal(ax.lines[0].get_xydata(), np.stack([x, -x], 1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    assert fig.get_suptitle() == "t Correlation -1.00"
    plt.close(fig)
