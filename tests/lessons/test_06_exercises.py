"""Wrong answers that the checkers of lesson 06 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers.backend import keras, layers, ops
from helpers.exercises import lesson_06
from helpers.lessons import conditional

RIGHT = solved("06")


def joined(at=layers.Dense, code=None, last=False, width=8):
    """Build a D that appends a code before each layer of a kind."""
    image, y = keras.Input((28, 28, 1)), keras.Input((), dtype="int32")
    told = code(y) if code else ops.one_hot(y, 10)
    h = image
    for layer in conditional.hidden_layers(width):
        if isinstance(layer, at):
            h = ops.concatenate([h, told], axis=1)
        h = layer(h)
    if last:
        h = ops.concatenate([h, told], axis=1)
    return keras.Model([image, y], layers.Dense(1)(h))


def ten_times(y):
    """Repeat the label itself, which is no one-hot code."""
    return ops.cast(ops.repeat(y[:, None], 10, axis=1), "float32")


def way(name):
    return lambda width: conditional.build_discriminator(name, width)


CODES = np.eye(10)


def mixed(z, a, b, t, codes=CODES):
    code = (1 - t) * codes[a] + t * codes[b]
    return np.concatenate([z, np.tile(code, (len(z), 1))], axis=1)


def halves(images, y, middle=np.median, own=True):
    ink = images.mean(axis=(1, 2, 3))
    found = np.zeros(len(y), "int32")
    for k in range(10):
        found[y == k] = ink[y == k] > middle(ink[y == k] if own else ink)
    return found


WRONG = {
    1: [
        way("planes"),
        way("projection"),
        way("last"),
        lambda width: joined(at=layers.Embedding),
        lambda width: joined(code=ten_times),
        lambda width: joined(last=True),
        lambda width: conditional.hidden_layers(width),
        1,
    ],
    2: [
        lambda z, a, b, t: mixed(z, b, a, t),
        lambda z, a, b, t: mixed(z, a, b, round(t)),
        lambda z, a, b, t: mixed(z, 3, 8, t),
        lambda z, a, b, t: mixed(z * (1 - t), a, b, t),
        lambda z, a, b, t: mixed(z, a, b, t)[:, ::-1],
        lambda z, a, b, t: mixed(z, a, b, t, np.sqrt(2) * CODES),
        lambda z, a, b, t: mixed(z, a, b, t, CODES[:, :9]),
        0.5,
    ],
    3: [
        lambda images, y: halves(images, y, own=False),
        lambda images, y: halves(images, y, np.mean),
        lambda images, y: 1 - halves(images, y),
        lambda images, y: halves(images, y) == 1,
        lambda images, y: y,
        lambda images, y: np.arange(len(y)) % 2,
        lambda images, y: halves(images, y)[:, None],
        1,
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_06, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


@pytest.mark.parametrize(
    ("k", "answer", "part"),
    [
        (1, way("planes"), "more than the picture"),
        (1, way("last"), "comes after it"),
        (1, lambda width: joined(code=ten_times), "one digit alone"),
        (1, lambda width: joined(last=True), "the hidden layer alone"),
        (1, lambda width: conditional.hidden_layers(width), "two inputs"),
        (2, lambda z, a, b, t: mixed(z, b, a, t), "changed places"),
        (2, lambda z, a, b, t: mixed(z[:1], a, b, t), "found (1, 18)"),
        (3, lambda images, y: halves(images, y) == 1, "found bool"),
        (3, lambda images, y: halves(images, y, np.mean), "the median"),
        (3, lambda images, y: 1 - halves(images, y), "more ink"),
        (3, lambda images, y: y, "found [0, 1, 2"),
    ],
)
def test_a_checker_says_what_it_found(k, answer, part, capsys):
    getattr(lesson_06, f"exercise_{k}")(answer)
    assert part in capsys.readouterr().out


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
