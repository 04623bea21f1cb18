"""Wrong answers that the checkers of lesson 09 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers.backend import ops
from helpers.exercises import lesson_09

RIGHT = solved("09")


def shuffled(found, rng, axis):
    found = ops.convert_to_numpy(found)
    rows = found.reshape(-1, found.shape[-1])
    return rng.permuted(rows, axis=axis).reshape(found.shape)


def apart(found, wanted):
    found, wanted = np.asarray(found), np.asarray(wanted)
    return float(np.square(found - wanted).sum() / np.square(wanted).sum())


def moves(summary, found, seed, move=None, measure=apart):
    rng = np.random.default_rng(seed)
    rows = found.reshape(-1, found.shape[-1])
    moved = rng.permutation(rows).reshape(found.shape)
    moved = move(found, rng) if move else moved
    return measure(summary(moved), summary(found))


def each_channel(found, rng):
    return shuffled(found, rng, axis=0)


def each_place(found, rng):
    return shuffled(found, rng, axis=1)


def in_place(summary, found, seed):
    before = np.asarray(summary(found.copy()))
    rows = found.reshape(-1, found.shape[-1])
    np.random.default_rng(seed).shuffle(rows)
    return apart(summary(found), before)


def sums(found, mask):
    weights = pooled(found, mask)
    return ops.einsum("nijc,nijd->cd", found * weights, found)


def pooled(found, mask):
    block = mask.shape[1] // found.shape[1]
    return ops.average_pool(mask, block, block)


def by_places(found, mask):
    return sums(found, mask) / (found.shape[1] * found.shape[2])


def squared(found, mask):
    weights = pooled(found, mask)
    products = ops.einsum("nijc,nijd->cd", found * weights, found * weights)
    return products / ops.sum(weights)


def corners(found, mask):
    step = mask.shape[1] // found.shape[1]
    weights = mask[:, ::step, ::step]
    products = ops.einsum("nijc,nijd->cd", found * weights, found)
    return products / ops.sum(weights)


WRONG = {
    1: [
        lambda summary, found, seed: moves(summary, found, 0),
        lambda summary, found, seed: moves(summary, found, None),
        lambda summary, found, seed: 0.0,
        lambda summary, found, seed: moves(summary, found, seed, each_channel),
        lambda summary, found, seed: moves(summary, found, seed, each_place),
        lambda summary, found, seed: moves(
            summary, found, seed, measure=lambda a, b: np.square(a - b).sum()
        ),
        lambda summary, found, seed: summary(found),
        in_place,
        0.0,
    ],
    2: [
        lambda found: ops.stack(ops.moments(found, axes=(0, 1, 2))),
        lambda found: ops.stack(
            [
                ops.mean(found, axis=(0, 1, 2)),
                ops.std(found, axis=(0, 1, 2)),
            ]
        ),
        lambda found: ops.stack(
            [
                ops.mean(found, axis=(0, 1, 2)),
                ops.sqrt(ops.mean(ops.square(found), axis=(0, 1, 2))),
            ]
        ),
        lambda found: ops.mean(found, axis=(0, 1, 2)),
        lambda found: ops.transpose(RIGHT[2](found)),
        lambda found: RIGHT[2](found)[::-1],
        lambda found: np.asarray(RIGHT[2](found)),
    ],
    3: [
        sums,
        by_places,
        squared,
        corners,
        lambda found, mask: RIGHT[3](found, 1 - mask + 1e-3),
        lambda found, mask: RIGHT[3](found, np.swapaxes(mask, 1, 2)),
        lambda found, mask: RIGHT[3](found, np.ones_like(mask)),
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_09, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
