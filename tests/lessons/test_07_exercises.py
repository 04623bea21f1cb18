"""Wrong answers that the checkers of lesson 07 must reject."""

import numpy as np
import pytest
from answers import judge, solved

from helpers.backend import ops
from helpers.exercises import lesson_07
from helpers.lessons import dcgan

RIGHT = solved("07")


def turning(
    error=ops.abs,
    verdict=dcgan.generator_loss,
    share=2,
    order=1,
    never=np.inf,
    errors_first=False,
):
    """Return an answer to exercise 1, right unless something is changed."""

    def answer(d, given, x, *fills):
        pairs = [[ops.convert_to_tensor(given), one] for one in fills]
        logits = [d(pair[::order], training=False) for pair in pairs]
        errors = [float(ops.mean(error(one - x))) * share for one in fills]
        doubts = [float(verdict(one)) for one in logits]
        if errors_first and errors[1] <= errors[0]:
            return 0.0
        if doubts[1] >= doubts[0]:
            return never
        weight = (errors[1] - errors[0]) / (doubts[0] - doubts[1])
        return weight if never is None else max(0.0, weight)

    return answer


def unlike(logits):
    return -ops.mean(ops.softplus(logits))


def noisy(given, k, draw=np.random.Generator.standard_normal, shape=None):
    rng = np.random.default_rng(k)
    noise = draw(rng, size=shape or (len(given), 28, 28, 1))
    noise = np.broadcast_to(noise, (len(given), 28, 28, 1))
    return np.concatenate([given, noise.astype("float32")], axis=-1)


WRONG = {
    1: [
        turning(share=1),
        turning(error=ops.square),
        turning(verdict=unlike),
        turning(verdict=lambda logits: -ops.mean(logits)),
        turning(verdict=lambda logits: -ops.mean(ops.sigmoid(logits))),
        turning(order=-1),
        turning(never=0.0),
        turning(never=None),
        turning(errors_first=True),
        lambda d, given, *x: turning()(d, 0 * given, *x),
        lambda d, given, x, gap, whole: turning()(d, given, x, whole, gap),
        lambda *given: 1 / max(turning()(*given), 0.001),
        lambda *given: [turning()(*given)] * 12,
        0.3,
    ],
    2: [
        lambda error, q: RIGHT[2](error, 1 - q),
        lambda error, q: np.abs(error),
        lambda error, q: q * error**2,
        lambda error, q: q * np.abs(error),
        lambda error, q: np.asarray(RIGHT[2](error, q)).mean(),
        lambda error, q: np.where(error > 0, error, -q * error),
        0.7,
    ],
    3: [
        lambda given, k: noisy(given, 0),
        lambda given, k: noisy(given, None),
        lambda given, k: noisy(given, k, shape=(1, 28, 28, 1)),
        lambda given, k: noisy(given, k, shape=(len(given), 1, 1, 1)),
        lambda given, k: noisy(given, k, np.random.Generator.uniform),
        lambda given, k: noisy(given, k)[..., ::-1],
        lambda given, k: noisy(0 * given, k),
        3,
    ],
}


@pytest.mark.parametrize("k", WRONG)
def test_checker(k, capsys):
    checker = getattr(lesson_07, f"exercise_{k}")
    judge(checker, RIGHT[k], WRONG[k], capsys)


def test_every_exercise_has_wrong_answers():
    assert set(RIGHT) == set(WRONG)
