"""Ways to play: each does what its name says, and seeds do not mix."""

import numpy as np
import pytest

from helpers.backend import ops, tf
from helpers.lessons import dcgan, stability
from studies import games
from studies.games import Points, Way
from studies.stability import (
    build_digits,
    digits_step,
    squared_slopes,
    ways,
)

RING, PLAIN = stability.ring(), Way()


def points(way=PLAIN):
    return Points(way, RING, (3, 4), 1e-2, 0.5, width=8)


@pytest.mark.parametrize(
    ("loss", "d", "g"),
    [
        ("saturating", np.log(4), -np.log(2)),
        ("non-saturating", np.log(4), np.log(2)),
        ("least squares", 0.5, 0.5),
        ("Wasserstein", 0, 0),
        ("relativistic", np.log(2), np.log(2)),
    ],
)
def test_losses_of_a_d_that_knows_nothing(loss, d, g):
    zero = ops.zeros((2, 3))
    for found, wanted in zip(
        games.losses(loss, zero, zero), (d, g), strict=True
    ):
        assert ops.convert_to_numpy(found) == pytest.approx(wanted)


@pytest.mark.parametrize("loss", ["non-saturating", "relativistic"])
def test_d_gains_by_a_real_logit_and_g_by_a_generated_one(loss):
    low, high = ops.zeros((1,)), ops.ones((1,))
    d, g = (np.array(x) for x in games.losses(loss, low, low))
    assert np.array(games.losses(loss, high, low)[0]) < d
    assert np.array(games.losses(loss, low, high)[1]) < g


def test_an_unknown_loss_is_named():
    with pytest.raises(ValueError, match="'hinge' is no loss"):
        games.losses("hinge", ops.zeros(1), ops.zeros(1))


def test_no_seed_knows_of_another():
    alone, beside = points(), points()
    for w in (*beside.g, *beside.d):
        moved = ops.convert_to_numpy(w).copy()
        moved[0] += 1
        w.assign(moved)
    for game in (alone, beside):
        game.play(tf.constant(5))
    for a, b in zip(alone.g + alone.d, beside.g + beside.d, strict=True):
        a, b = ops.convert_to_numpy(a), ops.convert_to_numpy(b)
        assert np.array_equal(a[1], b[1]) and not np.array_equal(a[0], b[0])


def test_no_two_draws_of_a_step_are_alike():
    game = points()
    keys = {game.key(turn, use) for turn in range(10) for use in range(4)}
    assert len(keys) == 40
    step = tf.constant(0, tf.int64)
    draws = [np.array(game.draw(5, turn, step)[0]) for turn in (0, 1, 4, 9)]
    assert len({draw.tobytes() for draw in draws}) == 4


def test_the_slope_is_that_of_d():
    game = points()
    x = tf.constant(
        np.random.default_rng(0).normal(size=(2, 5, 2)), tf.float32
    )
    steep = ops.convert_to_numpy(game.steepness(x, game.d))
    total = 0
    for k in range(2):
        e = 1e-2 * np.eye(2, dtype=np.float32)[k]
        ahead = game.network(x + e, game.d) - game.network(x - e, game.d)
        total += np.square(ops.convert_to_numpy(ahead)[..., 0] / 2e-2)
    assert np.median(np.abs(steep / total - 1)) < 1e-2


def test_penalties_have_their_weights():
    x = tf.constant(RING.centres[None, :4].repeat(2, 0), tf.float32)
    fake = x * 2
    game = points()
    slopes = [
        ops.convert_to_numpy(game.steepness(y, game.d)) for y in (x, fake)
    ]
    game.way = Way(r1=3.0, r2=5.0)
    found = ops.convert_to_numpy(game.penalty(x, fake, game.d))
    assert found == pytest.approx(1.5 * slopes[0] + 2.5 * slopes[1], rel=1e-5)
    game.way = Way(lipschitz=10.0)
    same = ops.convert_to_numpy(game.penalty(x, x, game.d))
    wanted = 10 * np.square(np.sqrt(slopes[0]) - 1)
    assert same == pytest.approx(wanted, rel=1e-4)


def test_spectral_norm_has_a_largest_value_of_1():
    game = points(Way(spectral=True))
    for _ in range(100):
        made = game.normed(True)
    for w in made[::2]:
        top = np.linalg.norm(ops.convert_to_numpy(w), 2, axis=(1, 2))
        assert top == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", ways("ring"))
def test_each_way_learns_points(name):
    game = points(ways("ring")[name])
    before = [ops.convert_to_numpy(w) for w in game.g + game.d]
    [(step, seconds, counts)] = game.readings(2, 2, n=100)
    assert step == 2 and seconds > 0 and len(counts) == 2
    after = [ops.convert_to_numpy(w) for w in game.g + game.d]
    moved = [
        not np.array_equal(*pair) for pair in zip(before, after, strict=True)
    ]
    assert any(moved[:6]) and any(moved[6:])
    d_steps = int(game.adam["d"].iterations)
    assert d_steps == game.way.d_steps * int(game.adam["g"].iterations)


@pytest.mark.parametrize("name", ways("digits"))
def test_each_way_learns_digits(name, uncompiled):
    way = ways("digits")[name]
    gan, step = build_digits(way, 0.5, 1e-3, 1), digits_step(way)
    x = tf.constant(
        np.linspace(-1, 1, 8 * 784).reshape(8, 28, 28, 1), tf.float32
    )

    def weights():
        found = gan.generator.trainable_variables
        return [ops.convert_to_numpy(w).copy() for w in found]

    before = weights()
    for k in range(1, way.d_steps + 1):
        step(gan, x)
        gan.step.assign_add(1)
        still = all(map(np.array_equal, before, weights()))
        assert still == (k < way.d_steps)
    assert int(gan.d_optimizer.iterations) == way.d_steps
    assert int(gan.g_optimizer.iterations) == 1
    # The first step of G, whatever D did before: a tenth of the old stays.
    drawn = gan.average.trainable_variables
    for old, new, mean in zip(before, weights(), drawn, strict=True):
        mean = ops.convert_to_numpy(mean)
        assert np.allclose(mean, 0.1 * old + 0.9 * new, atol=1e-6)


def test_r1_on_digits_is_that_of_lesson_03():
    way = ways("digits")["R1"]
    gan = build_digits(way, 0.0, 1e-3, 1)
    x = tf.constant(
        np.linspace(-1, 1, 4 * 784).reshape(4, 28, 28, 1), tf.float32
    )
    found = way.r1 / 2 * ops.mean(squared_slopes(gan, x))
    assert float(found) == pytest.approx(float(dcgan.slope_penalty(gan, x)))
