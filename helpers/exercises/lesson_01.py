"""Checkers of lesson 01."""

from collections.abc import Callable

import numpy as np
from scipy import integrate, stats

from helpers.checks import exercise

# What to compute, for each sentence of exercise 3.
SENTENCES = {
    "A": "put D = 1 into the slope of log(1 - D) with respect to the logit",
    "B": "put D = 1/2 into -log D - log(1 - D)",
    "C": "put the largest value of the JSD into -log 4 + 2 JSD",
    "D": "compare the sign of D's loss with that of V",
    "E": "put D = 1/2 into both slopes with respect to the logit",
    "F": "ask whether q = p if q has a single image",
}
WRONG = {"A", "D", "F"}


@exercise
def exercise_1(answer: Callable) -> None:
    """Test `smooth(p, q)`: the best D under targets of 0.9.

    Args:
        answer: of densities (n,) and (n,), returns probabilities (n,).

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = smooth"
    rng = np.random.default_rng(0)
    p, q = rng.uniform(0.01, 2, (2, 50))
    d = np.asarray(answer(p, q), float)
    assert d.shape == p.shape, "one answer for each pair of densities"
    assert ((d > 0) & (d < 1)).all(), "answers lie between 0 and 1"
    alone = np.asarray(answer(p, np.zeros(50)), float)
    assert np.allclose(alone, 0.9), (
        "where there are no generated images, D repeats its target"
    )

    def payment(d: np.ndarray) -> np.ndarray:
        smoothed = 0.9 * np.log(d) + 0.1 * np.log(1 - d)
        return p * smoothed + q * np.log(1 - d)

    for other in (d - 1e-4, d + 1e-4):
        assert (payment(d) >= payment(np.clip(other, 1e-9, 1 - 1e-9))).all(), (
            "at some pair of densities another answer is paid more"
        )


@exercise
def exercise_2(answer: tuple[Callable, ...]) -> None:
    """Test conjugates and best T of the two KL divergences.

    Args:
        answer: `kl_forward`, `t_forward`, `kl_reverse`, `t_reverse`, each a
            function of an array (n,).

    Raises:
        AssertionError: the property that fails.
    """
    assert isinstance(answer, tuple) and len(answer) == 4, (
        "give four functions: answer = (kl_forward, t_forward, kl_reverse, "
        "t_reverse)"
    )
    x = np.linspace(-12, 12, 4_801)
    p, q = stats.norm.pdf(x, 0.5, 1.2), stats.norm.pdf(x, -0.5, 1.0)
    u = np.linspace(0.05, 5, 100)
    cases = {
        "forward": (answer[:2], lambda u: u * np.log(u), p * np.log(p / q)),
        "reverse": (answer[2:], lambda u: -np.log(u), q * np.log(q / p)),
    }
    for name, ((conjugate, best), f, inside) in cases.items():
        t = np.asarray(best(u), float)
        assert t.shape == u.shape, f"{name}: one T for each u"
        sums = f(u) + np.asarray(conjugate(t), float)
        assert np.allclose(sums, t * u, atol=1e-6), (
            f"{name}: at the best T the conjugate of f is t u - f(u)"
        )
        gaps = f(u)[:, None] + np.asarray(conjugate(t), float)
        assert (gaps - u[:, None] * t > -1e-6).all(), (
            f"{name}: the conjugate is the largest t u - f(u), and some u "
            "gives a larger one"
        )
        bound = p * best(p / q) - q * conjugate(best(p / q))
        gap = integrate.trapezoid(bound - inside, x)
        assert abs(gap) < 1e-4, (
            f"{name}: the bound at the best T is not the divergence"
        )


@exercise
def exercise_3(answer: set[str]) -> None:
    """Test which sentences are wrong.

    Args:
        answer: letters of the wrong ones.

    Raises:
        AssertionError: what to compute for a sentence judged wrongly.
    """
    assert isinstance(answer, set) and answer <= set(SENTENCES), (
        'give a set of letters from A to F, such as {"B", "C"}'
    )
    for letter in sorted(answer ^ WRONG):
        raise AssertionError(f"sentence {letter}: {SENTENCES[letter]}")


@exercise
def exercise_4(answer: Callable) -> None:
    """Test `w1_line(x, y)`: W1 of two equally large samples on a line.

    Args:
        answer: of two arrays (n,), returns one number.

    Raises:
        AssertionError: the property that fails.
    """
    assert callable(answer), "give the function itself: answer = w1_line"
    rng = np.random.default_rng(0)
    x = rng.normal(size=40)
    assert np.ndim(answer(x, x)) == 0, "one number comes out"
    assert abs(answer(x, x + 3) - 3) < 1e-9, "a shift of 3 costs 3"
    assert abs(answer(x, rng.permutation(x))) < 1e-9, (
        "the order of the numbers does not matter"
    )
    y = 3 * rng.normal(size=40)
    assert abs(answer(x, y) - answer(y, x)) < 1e-9, "both ways cost the same"
    wanted = stats.wasserstein_distance(x, y)
    assert abs(answer(x, y) - wanted) < 1e-9, (
        "another plan is cheaper, or yours costs less than is possible"
    )
