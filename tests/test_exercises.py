"""Every checker accepts its reference and rejects plausible wrong answers."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy import ndimage, stats
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from helpers import data
from helpers.exercises import lesson_01, lesson_02, lesson_03, lesson_04


def overlap(n, kernel, stride):
    counts = np.zeros((n - 1) * stride + kernel, int)
    for i in range(n):
        counts[i * stride : i * stride + kernel] += 1
    return counts


def too_short(n, kernel, stride):
    return overlap(n, kernel, stride)[: n * stride]


def stride_one(n, kernel, stride):
    length = (n - 1) * stride + kernel
    return np.resize(overlap(n, kernel, 1), length)


def always_even(n, kernel, stride):
    return np.full((n - 1) * stride + kernel, kernel // stride)


def generator_with(
    kernel, other=None, bias=False, last="tanh", hidden=layers.ReLU
):
    paint = layers.Conv2DTranspose
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(7 * 7 * 64, use_bias=False),
            layers.Reshape((7, 7, 64)),
            layers.BatchNormalization(momentum=0.9),
            hidden(),
            paint(32, other or kernel, 2, padding="same", use_bias=bias),
            layers.BatchNormalization(momentum=0.9),
            hidden(),
            paint(1, kernel, 2, padding="same", activation=last),
        ]
    )


def best_code(x, w, s, beta):
    precision = w**2 / s**2 + beta
    return w * x / s**2 / precision, beta / precision


def gaussian_nats(x, image, sigma):
    square = ((x - image) / sigma) ** 2
    return (square + np.log(2 * np.pi * sigma**2)).sum(axis=(1, 2, 3)) / 2


def best_sigma(x, image):
    return np.sqrt(np.mean((x - image) ** 2))


def slerp(a, b, t):
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    angle = np.arccos(cosine)
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(
        angle
    )


def the_long_way(a, b, t):
    cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
    angle = np.arccos(cosine) - 2 * np.pi
    return (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(
        angle
    )


def straight(a, b, t):
    return (1 - t) * a + t * b


def straight_on_sphere(a, b, t):
    z = straight(a, b, t)
    return z * np.linalg.norm(a) / np.linalg.norm(z)


def kernel_nats(x, centres, flip):
    m = x.shape[1]
    flips = (m - x @ centres.T) / 2
    log_p = flips * np.log(flip) + (m - flips) * np.log(1 - flip)
    return logsumexp(log_p, axis=1) - np.log(len(centres))


def kernel_underflows(x, centres, flip):
    m = x.shape[1]
    flips = (m - x @ centres.T) / 2
    p = flip**flips * (1 - flip) ** (m - flips)
    with np.errstate(divide="ignore"):
        return np.log(p.mean(axis=1))


def adam(gradients, learning_rate, beta_1, beta_2, correct=True):
    m = v = 0.0
    moves = []
    for t, g in enumerate(gradients, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        m_hat = m / (1 - beta_1**t) if correct else m
        v_hat = v / (1 - beta_2**t) if correct else v
        moves.append(-learning_rate * m_hat / (np.sqrt(v_hat) + 1e-7))
    return np.array(moves)


F_GAN = (
    lambda t: np.exp(t - 1),
    lambda u: 1 + np.log(u),
    lambda t: -1 - np.log(-t),
    lambda u: -1 / u,
)


def w1_line(x, y):
    return np.abs(np.sort(x) - np.sort(y)).mean()


def block_means(images):
    blocks = np.reshape(images, (len(images), 7, 4, 7, 4))
    return blocks.mean(axis=(2, 4)).reshape(len(images), 49)


def coverage(real, fake, k, strict=False, itself=1):
    radii = np.sort(cdist(real, real), axis=1)[:, k - 1 + itself]
    nearest = cdist(real, fake).min(axis=1)
    return np.mean(nearest < radii if strict else nearest <= radii)


def share_interval(right, n, tail=0.025):
    low = stats.beta.ppf(tail, right, n - right + 1) if right else 0
    high = stats.beta.isf(tail, right + 1, n - right) if right < n else 1
    return low, high


def wald(right, n):
    p = right / n
    half = 1.96 * np.sqrt(p * (1 - p) / n)
    return max(p - half, 0), min(p + half, 1)


def hand_out_real_digits(images):
    return data.load("holdout", len(images))[0]


def soften(images):
    return ndimage.gaussian_filter(images, (0, 1, 1, 0))


CASES = [
    (
        lesson_01.exercise_1,
        lambda p, q: 0.9 * p / (p + q),
        [
            lambda p, q: p / (p + q),
            lambda p, q: 0.9 * p / (0.9 * p + q),
            lambda p, q: 0.9 * p / (p + q) + 0.1 * q / (p + q),
            lambda p, q: 0.9 * q / (p + q),
            lambda p, q: 0.9,
            0.9,
        ],
    ),
    (
        lesson_01.exercise_2,
        F_GAN,
        [
            F_GAN[2:] + F_GAN[:2],
            F_GAN[:2],
            (lambda t: np.exp(t), *F_GAN[1:]),
            (F_GAN[0], lambda u: np.log(u), *F_GAN[2:]),
            (*F_GAN[:3], lambda u: -u),
            (*F_GAN[:2], lambda t: 1 - np.log(-t), F_GAN[3]),
            np.exp,
        ],
    ),
    (
        lesson_01.exercise_3,
        {"A", "D", "F"},
        [{"A", "D"}, {"A", "D", "F", "C"}, set(), {"G"}, "ADF", {"B", "E"}],
    ),
    (
        lesson_01.exercise_4,
        w1_line,
        [
            lambda x, y: np.abs(x - y).mean(),
            lambda x, y: abs(np.mean(x) - np.mean(y)),
            lambda x, y: np.abs(np.sort(x) - np.sort(y)),
            lambda x, y: np.abs(np.sort(x) - np.sort(y)).sum(),
            lambda x, y: np.abs(np.sort(x) - np.sort(y)[::-1]).mean(),
            lambda x, y: np.sqrt(((np.sort(x) - np.sort(y)) ** 2).mean()),
            1.0,
        ],
    ),
    (
        lesson_02.exercise_1,
        best_code,
        [
            lambda x, w, s, beta: best_code(x, w, s, 1),
            lambda x, w, s, beta: best_code(x, w, s, 1 / beta),
            lambda x, w, s, beta: (x / w, best_code(x, w, s, beta)[1]),
            lambda x, w, s, beta: (best_code(x, w, s, beta)[0], 1 / beta),
            lambda x, w, s, beta: (0.0, 1.0),
            lambda x, w, s, beta: best_code(x, w, s, beta)[0],
            1.0,
        ],
    ),
    (
        lesson_02.exercise_2,
        (gaussian_nats, best_sigma),
        [
            (lambda x, i, s: gaussian_nats(x, i, s) / 784, best_sigma),
            (lambda x, i, s: -gaussian_nats(x, i, s), best_sigma),
            (
                lambda x, i, s: (
                    gaussian_nats(x, i, s) - 392 * np.log(2 * np.pi)
                ),
                best_sigma,
            ),
            (lambda x, i, s: gaussian_nats(x, i, s**2), best_sigma),
            (gaussian_nats, lambda x, i: np.mean((x - i) ** 2)),
            (gaussian_nats, lambda x, i: np.mean(np.abs(x - i))),
            (gaussian_nats, lambda x, i: 1.0),
            gaussian_nats,
        ],
    ),
    (
        lesson_02.exercise_3,
        slerp,
        [
            straight,
            straight_on_sphere,
            the_long_way,
            lambda a, b, t: slerp(b, a, t),
            lambda a, b, t: slerp(a, b, t**2),
            lambda a, b, t: slerp(a, b, t)[:5],
            0.5,
        ],
    ),
    (
        lesson_02.exercise_4,
        kernel_nats,
        [
            kernel_underflows,
            lambda x, c, f: kernel_nats(x, c, f) + np.log(len(c)),
            lambda x, c, f: -kernel_nats(x, c, f),
            lambda x, c, f: kernel_nats(x, c, 1 - f),
            lambda x, c, f: kernel_nats(x, c, f) / x.shape[1],
            lambda x, c, f: kernel_nats(x, c[:1], f),
            0.1,
        ],
    ),
    (
        lesson_03.exercise_1,
        (np.log1p(np.exp(-1)), np.log(2)),
        [(0, np.inf), (0.4, 0.69), (0.313, 1.0064), (np.log(2), 0.313), 0.313],
    ),
    (lesson_03.exercise_2, overlap, [too_short, stride_one, always_even, 7]),
    (
        lesson_03.exercise_3,
        generator_with,
        [
            lambda kernel: generator_with(4),
            lambda kernel: generator_with(kernel, other=4),
            lambda kernel: generator_with(kernel, bias=True),
            lambda kernel: generator_with(kernel, last=None),
            lambda kernel: generator_with(kernel, last="sigmoid"),
            lambda kernel: generator_with(kernel, hidden=layers.Identity),
            generator_with(5),
        ],
    ),
    (
        lesson_03.exercise_4,
        lambda a: ops.sigmoid(2 * a),
        [
            ops.sigmoid,
            ops.tanh,
            lambda a: ops.sigmoid(a / 2),
            lambda a: 2 * ops.sigmoid(2 * a) - 1,
            0.5,
        ],
    ),
    (
        lesson_03.exercise_5,
        adam,
        [
            lambda g, *rest: adam(g, *rest, correct=False),
            lambda g, *rest: -adam(g, *rest),
            lambda g, lr, b1, b2: adam(g, lr, b2, b1),
            lambda g, lr, b1, b2: adam(g, lr, 1 - b1, b2),
            lambda g, lr, b1, b2: adam(g, lr, 0.5, 0.99),
            lambda g, lr, b1, b2: -lr * g,
            lambda g, lr, b1, b2: -lr * np.sign(g),
            0.01,
        ],
    ),
    (
        lesson_04.exercise_1,
        block_means,
        [
            lambda x: x[:, ::4, ::4].reshape(len(x), 49),
            lambda x: (
                x.reshape(len(x), 7, 4, 7, 4).max((2, 4)).reshape(-1, 49)
            ),
            lambda x: x.reshape(len(x), 4, 7, 4, 7).mean((2, 4)),
            lambda x: x.reshape(len(x), 49, 16).mean(axis=2),
            lambda x: x.reshape(len(x), 784),
            lambda x: 16 * block_means(x),
            lambda x: np.roll(block_means(np.roll(x, 2, axis=2)), 1, 1),
            49,
        ],
    ),
    (
        lesson_04.exercise_2,
        coverage,
        [
            lambda real, fake, k: coverage(real, fake, k, strict=True),
            lambda real, fake, k: coverage(real, fake, k, itself=0),
            lambda real, fake, k: coverage(fake, real, k),
            lambda real, fake, k: coverage(real, fake, k + 1),
            lambda real, fake, k: 1 - coverage(real, fake, k),
            lambda real, fake, k: 1.0,
            0.5,
        ],
    ),
    (
        lesson_04.exercise_3,
        share_interval,
        [
            wald,
            lambda k, n: share_interval(k, n, tail=0.05),
            lambda k, n: stats.binomtest(k, n).proportion_ci(method="wilson"),
            lambda k, n: (share_interval(k, n)[0], 1),
            lambda k, n: share_interval(k, n)[::-1],
            lambda k, n: share_interval(n - k, n),
            lambda k, n: stats.binom.interval(0.95, n, k / n),
            0.5,
        ],
    ),
    (
        lesson_04.exercise_4,
        lambda images: np.tanh(3 * images),
        [
            lambda images: images,
            lambda images: 3 * images,
            lambda images: -images,
            lambda images: images[:10],
            lambda images: np.sign(images - images.mean(axis=0)),
            hand_out_real_digits,
            soften,
            1.0,
        ],
    ),
]


@pytest.mark.parametrize(("checker", "right", "wrong"), CASES)
def test_checker(checker, right, wrong, capsys):
    checker(...)
    checker(right)
    assert capsys.readouterr().out == "not attempted\nPASS\n"
    for answer in wrong:
        checker(answer)
        assert capsys.readouterr().out.startswith("not yet: "), answer
