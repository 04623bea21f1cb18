"""Can five digits of a hand give the other five? python -m studies.hands.

The second half of MNIST's test file, and every second image of its training
file, lie in the order of the forms they were written on: each form begins
with the digits 0 to 9, three times. So the labels show where a form begins,
and the images after it are, very probably, by one writer. Nobody's name is
in the file, and the table of the writers (Yadav, Bottou, arXiv:1905.10498)
is not used.

One z of the shipped conditional generator is fitted to some digits of a form
of the test file, and draws five digits that were not among them. Two probes,
taught by the forms of the training file, say to which of two forms such a
row belongs: measures of slant and stroke, and a network. The score of a form
is the share of the other forms that are less like the row than its own.

Writes data/hands.npz for the page and a row a way and a seed of
data/results/08_hands.json when it is measured.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from helpers import checkpoints, data, runtime, training
from helpers.backend import keras, layers, ops, tf
from helpers.lessons import conditional, dcgan
from helpers.lessons.hands import FILE, MEASURES, RECORD, measures
from studies.record import Record
from tools.alone import alone

KEYS = ("way", "n", "digit", "seed")
COUNTING, LEAST = 27, 0.6  # labels, and share of them that go up by one
LENGTH, SHIPPED = 60, 40  # images of a form, and how many are shipped
LAGS = (1, 2, 3, 5, 10, 20, 40, 60, 100)
SEEDS, PROBE_SEEDS = (0, 1, 2), (0, 1)
ROW, N_SEARCH, N_PAIRS, RATE = 5, 1_000, 20_000, 0.1
PROBE_STEPS, PROBE_WRITERS = 600, 32
REAL = "real digits"
Row = dict[str, Any]


class Hands(NamedTuple):
    """Images in the order of a file, and the rows of its forms."""

    x: np.ndarray  # (n, 28, 28, 1), in [-1, 1]
    y: np.ndarray  # (n,)
    style: np.ndarray  # (n, 4), standardised within a class
    forms: np.ndarray  # (forms, 60), rows of x


def counting(y: np.ndarray) -> np.ndarray:
    """Return the share of labels that are one more than the last, from each
    place on (9 is followed by 0)."""
    up = np.diff(y.astype(int)) % 10 == 1
    return np.convolve(up, np.ones(COUNTING) / COUNTING, "valid")


def starts(y: np.ndarray) -> list[int]:
    """Find where forms begin: the first 0 from each peak of `counting`."""
    share = counting(y)
    above = np.flatnonzero(share > LEAST)
    peaks = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
    best = [peak[np.argmax(share[peak])] for peak in peaks if len(peak)]
    return [int(k + np.argmax(y[k:] == 0)) for k in best]


@functools.cache
def standard() -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of the measures in each class of `train`."""
    x, y = data.load("train")
    table = pd.DataFrame(measures(x)).groupby(y)
    return table.mean().to_numpy(), table.std().to_numpy()


def style(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the measures, standardised within each class."""
    mean, deviation = standard()
    return (measures(x) - mean[y]) / deviation[y]


def in_order(x: np.ndarray, y: np.ndarray) -> Hands:
    """Find the forms of images in the order of a file."""
    places = [k for k in starts(y) if k + LENGTH <= len(y)]
    forms = np.array(places)[:, None] + np.arange(LENGTH)
    return Hands(x, y.astype(int), style(x, y), forms)


@functools.cache
def files() -> tuple[Hands, Hands]:
    """Return the forms of the training file and those of the test file."""
    parts = [data.load(split) for split in ("validation", "train")]
    x, y = (np.concatenate(part) for part in zip(*parts, strict=True))
    x_test, y_test = data.load("test")
    return (
        in_order(x[1::2], y[1::2]),
        in_order(x_test[5_000:], y_test[5_000:]),
    )


def write_file(test: Hands) -> None:
    """Ship the first images of each form, and all labels and slants."""
    rows = test.forms[:, :SHIPPED]
    data.write_arrays(
        FILE,
        x=data.to_uint8(test.x[rows.ravel()]).reshape(*rows.shape, 28, 28),
        y=test.y[rows].astype(np.uint8),
        start=test.forms[:, 0].astype(np.int32),
        labels=test.y.astype(np.uint8),
        slant=measures(test.x)[:, 0].astype(np.float16),
    )


def correlations(values: np.ndarray, y: np.ndarray) -> list[float]:
    """Correlate images that lie `LAGS` apart, class means removed."""
    table = pd.Series(values).groupby(y)
    values = ((values - table.transform("mean")) / values.std()).to_numpy()
    return [round(float(np.mean(values[k:] * values[:-k])), 3) for k in LAGS]


def order_rows() -> list[Row]:
    """Correlate neighbours in each part of the files, and shuffled."""
    train, test = files()
    first = [part[:5_000] for part in data.load("test")]
    splits = [data.load(split) for split in ("validation", "train")]
    even = [np.concatenate(part)[::2] for part in zip(*splits, strict=True)]
    mixed = np.random.default_rng(0).permutation(len(test.y))
    parts = {
        "test, second half": (test.x, test.y),
        "test, first half": first,
        "train, odd places": (train.x, train.y),
        "train, even places": even,
        "test, second half, shuffled": (test.x[mixed], test.y[mixed]),
    }
    rows = []
    for name, (x, y) in parts.items():
        found = measures(x)
        row = {"way": f"order: {name}", "n": 0, "digit": -1, "seed": 0}
        row |= {"lags": LAGS, "forms": len(starts(y))}
        for k, measure in enumerate(MEASURES):
            row[measure] = correlations(found[:, k], np.asarray(y))
        rows.append(row)
    return rows


# --- the probes


def mixed_rows(
    hands: Hands, rng: np.random.Generator, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw two rows of five digits of n forms, all of other classes; return
    the forms (n,) and the rows (2, n, 5)."""
    chosen = rng.choice(len(hands.forms), n, n > len(hands.forms))
    rows = np.zeros((2, n, ROW), int)
    for k, form in enumerate(hands.forms[chosen]):
        order = rng.permutation(len(form))
        _, first = np.unique(hands.y[form[order]], return_index=True)
        ten = form[order][rng.permutation(first)]
        ten = np.resize(ten, 2 * ROW)  # where a form lacks a class
        rows[:, k] = ten.reshape(2, ROW)
    return chosen, rows


@functools.cache
def measured_probe() -> Callable:
    """Teach a logistic regression the difference of two rows' measures."""
    train, _ = files()
    rng = np.random.default_rng(0)
    chosen, rows = mixed_rows(train, rng, N_PAIRS)
    a, b = train.style[rows].mean(axis=2)
    other = rng.permutation(N_PAIRS)
    apart = chosen != chosen[other]
    differ = np.concatenate([a - b, (a - b[other])[apart]])
    same = np.arange(len(differ)) < N_PAIRS
    model = LogisticRegression().fit(differ**2, same)
    weights = -model.coef_[0].clip(max=0)
    print("weights", dict(zip(MEASURES, weights.round(2), strict=True)))
    return lambda x, y: style(x, y) * np.sqrt(weights)


def build_probe(seed: int) -> keras.Model:
    """Build a network: an image and its class to a point of 16 numbers."""
    keras.utils.set_random_seed(seed)
    image, one_hot = keras.Input((28, 28, 1)), keras.Input((10,))
    h = image
    for width in (16, 32, 64):
        h = layers.Conv2D(width, 3, strides=2, padding="same")(h)
        h = layers.LeakyReLU(negative_slope=0.2)(h)
    h = ops.concatenate([layers.Flatten()(h), one_hot], axis=1)
    h = layers.Dense(128)(h)
    h = layers.LeakyReLU(negative_slope=0.2)(h)
    return keras.Model([image, one_hot], layers.Dense(16)(h))


@functools.cache
def network_probe(seed: int) -> Callable:
    """Teach a network to find the row of the same form among 32 rows; the
    two rows have no class in common."""
    train, _ = files()
    network, optimizer = build_probe(seed), keras.optimizers.Adam(1e-3)
    rng = np.random.default_rng(seed)

    @tf.function(reduce_retracing=True)
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            points = network([x, ops.one_hot(y, 10)], training=True)
            points = ops.mean(ops.reshape(points, (2, -1, ROW, 16)), axis=2)
            apart = ops.square(points[0][:, None] - points[1][None])
            logits = -ops.sum(apart, axis=-1)
            loss = keras.losses.sparse_categorical_crossentropy(
                ops.arange(PROBE_WRITERS), logits, from_logits=True
            )
        dcgan.descend(optimizer, tape, loss, network)
        return ops.mean(loss)

    for _ in range(PROBE_STEPS):
        rows = mixed_rows(train, rng, PROBE_WRITERS)[1].ravel()
        step(train.x[rows], train.y[rows])

    def points(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        codes = ops.convert_to_numpy(ops.one_hot(y, 10))
        return network.predict([x, codes], batch_size=512, verbose=0)

    return points


def probes() -> dict[str, list[Callable]]:
    """Return both kinds; of the network, one a seed."""
    networks = [network_probe(seed) for seed in PROBE_SEEDS]
    return {"measures": [measured_probe()], "network": networks}


# --- one z for a hand


def fit(
    x: np.ndarray,
    y: np.ndarray,
    penalty: float,
    n_steps: int,
    seed: int,
    restarts: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Fit a z to each row of digits, by Adam on the sum of squared errors.

    Args:
        x: images (hands, n, 28, 28, 1).
        y: their classes (hands, n).
        penalty: weight of the squared length of z.
        n_steps: steps of Adam.
        seed: of the starts, drawn as z always is.
        restarts: starts for each row; the least loss wins.

    Returns:
        z (hands, 64), and the squared error of a picture (hands,).
    """
    hands, n = y.shape
    generator = generator_shipped()
    goal = np.repeat(x, restarts, axis=0)
    classes = ops.one_hot(np.repeat(y, restarts, axis=0).reshape(-1), 10)
    z = keras.Variable(training.sample_z(hands * restarts, 64, seed, 0))
    optimizer = keras.optimizers.Adam(RATE)
    optimizer.build([z])

    @tf.function
    def step() -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            pairs = ops.concatenate([ops.repeat(z, n, axis=0), classes], 1)
            drawn = generator(pairs, training=False)
            error = ops.square(ops.reshape(drawn, goal.shape) - goal)
            error = ops.sum(error, axis=(1, 2, 3, 4))
            loss = error + penalty * ops.sum(ops.square(z), axis=1)
            total = ops.sum(loss)
        optimizer.apply_gradients([(tape.gradient(total, z.value), z)])
        return error, loss

    for _ in range(n_steps):
        error, loss = step()
    loss = np.reshape(ops.convert_to_numpy(loss), (hands, restarts))
    best = loss.argmin(axis=1)
    best += restarts * np.arange(hands)
    z, error = ops.convert_to_numpy(z), ops.convert_to_numpy(error)
    return z[best], error[best] / n


@functools.cache
def generator_shipped() -> keras.Model:
    """Return the shipped conditional generator."""
    return checkpoints.load("conditional_generator")


def random_z(n: int, seed: int, k: int) -> np.ndarray:
    """Draw z (n, 64) that no fit begins at."""
    return ops.convert_to_numpy(training.sample_z(n, 64, seed, 10**6 + k))


def draw_rows(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Draw classes y (hands, n) with a z a hand: (hands * n, 28, 28, 1)."""
    pairs = np.repeat(z, y.shape[1], axis=0)
    return conditional.draw(generator_shipped(), pairs, y.ravel())


class Trial(NamedTuple):
    """What is given of each form, and what is asked for."""

    given: np.ndarray  # (hands, 10) rows: five classes, once and again
    asked: np.ndarray  # (hands, 5) the other classes
    real: np.ndarray  # (hands, 5) rows: digits of those classes


def trial(test: Hands, seed: int) -> Trial:
    """Choose five classes of each form, in a random order, and the rest."""
    rng = np.random.default_rng(seed)
    given, asked, real = [], [], []
    for form in test.forms:
        classes = rng.permutation(10)
        rows = []
        for digit in classes:
            mine = form[test.y[form] == digit]
            mine = mine if len(mine) else form
            rows.append(np.resize(rng.permutation(mine), 2))
        rows = np.array(rows)
        given.append(rows[:ROW].T.ravel())
        asked.append(classes[ROW:])
        real.append(rows[ROW:, 0])
    return Trial(np.array(given), np.array(asked), np.array(real))


def shares(points: np.ndarray, homes: np.ndarray) -> np.ndarray:
    """Return for each row (hands, dim) the share of the other homes
    (hands, dim) that lie further away than its own."""
    apart = ((points[:, None] - homes[None]) ** 2).sum(axis=-1)
    further = apart > np.diag(apart)[:, None]
    return further.sum(axis=1) / (len(homes) - 1)


def score(
    x: np.ndarray, y: np.ndarray, used: np.ndarray, test: Hands
) -> tuple[Row, np.ndarray]:
    """Ask both probes where rows of digits belong.

    Args:
        x: images (hands * n, 28, 28, 1), a row a hand.
        y: their classes (hands, n).
        used: rows of the test file (hands, m) that no home may hold.
        test: the forms.

    Returns:
        The scores of each hand, and those of each digit alone by the
        network (hands, n).
    """
    others = [
        np.setdiff1d(form, mine)
        for form, mine in zip(test.forms, used, strict=True)
    ]
    row: Row = {}
    for name, found in probes().items():
        by_row, single = [], []
        for probe in found:
            file = probe(test.x, test.y)
            homes = np.array([file[rows].mean(axis=0) for rows in others])
            points = probe(x, y.ravel()).reshape(*y.shape, -1)
            by_row.append(shares(points.mean(axis=1), homes))
            single.append(
                [shares(points[:, k], homes) for k in range(y.shape[1])]
            )
        row[name] = np.mean(by_row, axis=0).round(3).tolist()
    drawn = style(x, y.ravel()).reshape(*y.shape, -1).mean(axis=1)
    real = np.array([test.style[rows].mean(axis=0) for rows in others])
    for k, name in enumerate(MEASURES):
        r = np.corrcoef(drawn[:, k], real[:, k])[0, 1]
        row[f"r {name}"] = round(float(r), 3)
    return row, np.mean(single, axis=0).T


def by_digit(single: np.ndarray, y: np.ndarray) -> list[float]:
    """Average the scores of single digits over each class."""
    found = pd.Series(single.ravel()).groupby(y.ravel()).mean()
    return found.round(3).reindex(range(10)).tolist()


def searched(test: Hands, given: np.ndarray, seed: int) -> dict[str, Any]:
    """Find, among 1,000 random z, the best by pixels and by measures."""
    z = random_z(N_SEARCH, seed, 0)
    ten = np.tile(np.arange(10), (N_SEARCH, 1))
    drawn = draw_rows(z, ten)
    probe = measured_probe()
    points = probe(drawn, ten.ravel()).reshape(N_SEARCH, 10, -1)
    drawn = drawn.reshape(N_SEARCH, 10, -1)
    wanted = probe(test.x, test.y)
    best: dict[str, list] = {"pixels": [], "measures": []}
    for rows in given:
        y, x = test.y[rows], test.x[rows].reshape(len(rows), -1)
        error = ((drawn[:, y] - x) ** 2).sum(axis=(1, 2))
        best["pixels"].append(error.argmin())
        gap = points[:, y].mean(axis=1) - wanted[rows].mean(axis=0)
        best["measures"].append((gap**2).sum(axis=1).argmin())
    return {name: z[rows] for name, rows in best.items()}


def measured(
    test: Hands,
    given: np.ndarray,
    seed: int,
    penalty: float = 1.0,
    n_steps: int = 100,
    restarts: int = 1,
) -> tuple[np.ndarray, Row]:
    """Fit each hand; return z, and what the fit came to."""
    x, y = test.x[given], test.y[given]
    z, error = fit(x, y, penalty, n_steps, seed, restarts)
    length = np.linalg.norm(z, axis=1).mean()
    return z, {
        "error": [round(float(e), 2) for e in error],
        "length": round(float(length), 2),
    }


FITS = {  # way: digits given, penalty, steps, starts
    "fit": (5, 1.0, 100, 1),
    "fit, no penalty": (5, 0.0, 100, 1),
    "fit, penalty 10": (5, 10.0, 100, 1),
    "fit, 30 steps": (5, 1.0, 30, 1),
    "fit, 300 steps": (5, 1.0, 300, 1),
    "fit, best of 4 starts": (5, 1.0, 100, 4),
    "fit to 1": (1, 1.0, 100, 1),
    "fit to 1, no penalty": (1, 0.0, 100, 1),
    "fit to 3": (3, 1.0, 100, 1),
    "fit to 10": (10, 1.0, 100, 1),
}


def ways(test: Hands, chosen: Trial, seed: int) -> dict[tuple, Callable]:
    """Return, for each way and number of digits, what finds z, and what
    there is to say of the fit."""
    five, hands = chosen.given[:, :ROW], len(test.forms)
    columns = [np.roll(five[:, k], 1 + 7 * k) for k in range(ROW)]
    strangers = np.stack(columns, axis=1)
    search = functools.cache(lambda: searched(test, five, seed))
    own = functools.cache(lambda: measured(test, five, seed))
    found: dict[tuple, Callable] = {
        (way, n): functools.partial(
            measured, test, chosen.given[:, :n], seed, *recipe
        )
        for way, (n, *recipe) in FITS.items()
    }
    return found | {
        ("fit", ROW): own,
        ("another hand's z", ROW): lambda: (np.roll(own()[0], 1, axis=0), {}),
        ("fit to five writers", ROW): lambda: measured(test, strangers, seed),
        ("best of 1,000 by pixels", ROW): lambda: (search()["pixels"], {}),
        ("best of 1,000 by measures", ROW): lambda: (search()["measures"], {}),
        ("a random z", 0): lambda: (random_z(hands, seed, 1), {}),
        (REAL, 0): lambda: (None, {}),
    }


def trial_rows(record: Record, seed: int) -> None:
    """Measure all ways on one choice of given digits."""
    _, test = files()
    chosen = trial(test, seed)
    used = np.concatenate([chosen.given, chosen.real], axis=1)
    for (way, n), find in ways(test, chosen, seed).items():
        key = (way, n, -1, seed)
        if key in record:
            continue
        z, extra = find()
        x, y = test.x[chosen.real.ravel()], test.y[chosen.real]
        if way != REAL:
            x, y = draw_rows(z, chosen.asked), chosen.asked
        row, single = score(x, y, used, test)
        row |= {"by digit": by_digit(single, y)} | extra
        record.add(dict(zip(KEYS, key, strict=True)) | row)


def digit_rows(record: Record) -> None:
    """Fit to one digit of a class; draw five others."""
    _, test = files()
    for digit in range(10):
        key = ("fit to one digit", 1, digit, 0)
        if key in record:
            continue
        rng = np.random.default_rng(digit)
        given, asked = [], []
        for form in test.forms:
            mine = form[test.y[form] == digit]
            given.append(rng.choice(mine if len(mine) else form, 1))
            others = np.delete(np.arange(10), digit)
            asked.append(rng.permutation(others)[:ROW])
        given, asked = np.array(given), np.array(asked)
        z, extra = measured(test, given, digit)
        row, _ = score(draw_rows(z, asked), asked, given, test)
        record.add(dict(zip(KEYS, key, strict=True)) | row | extra)


def main() -> None:
    """Write the file of hands and the rows that are missing."""
    data.need_full("This study")
    about = {
        "command": "python -m studies.hands",
        "protocol": "43 forms of the second half of the test file, 60 images "
        "each; probes taught by forms of the training file; five classes "
        "given, the other five drawn and judged",
        "machine": runtime.machine(),
    }
    record = Record(RECORD, about, KEYS)
    write_file(files()[1])
    for row in order_rows():
        if record.key(row) not in record:
            record.add(row)
    for seed in SEEDS:
        trial_rows(record, seed)
    digit_rows(record)


if __name__ == "__main__":
    with alone(RECORD):
        main()
