"""Lesson 08: walks and directions among the numbers that a generator takes."""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import runtime
from helpers.data import check_array
from helpers.lessons import conditional

RECORD = runtime.ROOT / "data" / "results" / "08_latent.json"
MOMENTS = ("slant", "width", "ink")
NAMES = {  # of codes: design, and which of its codes
    ("styles", "w"): "w",
    ("styles", "z"): "its z",
    ("DCGAN", "z"): "z of DCGAN",
    ("same layers, no styles", "z"): "z of twin",
    ("styles, no mapping", "z"): "z, no mapping",
}
DESIGNS = (
    "DCGAN",
    "same layers, no styles",
    "styles, no mapping",
    "styles",
    "styles, quick mapping",
)
TUNING = 100  # the seed that chose the weights of the penalty


def slerp(a: np.ndarray, b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
    """Walk on the arc from a to b instead of on the straight line.

    Shoemake, SIGGRAPH 1985, section 3.3; for latent codes White,
    arXiv:1609.04468, section 2.1.

    Args:
        a: starts (n, d).
        b: ends (n, d).
        t: how far, 0 to 1; one number, or (n, 1).

    Returns:
        (n, d); a at 0 and b at 1. Where a and b lie in one direction, the
        straight line.

    Raises:
        ValueError: shapes that differ, or opposite points, between which
            there are many arcs.
    """
    a = check_array("a", np.asarray(a, "float32"), "n d")
    b = check_array("b", np.asarray(b, "float32"), "n d")
    if a.shape != b.shape:
        raise ValueError(
            f"b: expected the shape of a, {a.shape}, found {b.shape}."
        )
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    cosine = (a * b).sum(axis=1, keepdims=True) / (lengths[0] * lengths[1])
    angle = np.arccos(np.clip(cosine, -1, 1))
    if (angle > np.pi - 1e-3).any():
        raise ValueError(
            "b: expected points that are not opposite to those of a; take a "
            "third point and walk over it."
        )
    flat = angle < 1e-3
    safe = np.where(flat, 1, np.sin(angle))
    first = np.where(flat, 1 - t, np.sin((1 - t) * angle) / safe)
    second = np.where(flat, t, np.sin(t * angle) / safe)
    return first * a + second * b


class Ink(NamedTuple):
    """Where the grey of pictures lies, each (n,); a pixel's mass is 0 to 1.

    Attributes:
        total: mass.
        row: of the centre.
        column: of the centre.
        m_rr: second moment about the centre, over rows.
        m_rc: mixed.
        m_cc: over columns.
    """

    total: np.ndarray
    row: np.ndarray
    column: np.ndarray
    m_rr: np.ndarray
    m_rc: np.ndarray
    m_cc: np.ndarray


def ink(images: np.ndarray) -> Ink:
    """Take the grey of pictures (n, h, w, 1) in [-1, 1] as a mass."""
    images = check_array("images", images, "n h w 1", -1, 1)
    mass = (images[..., 0].astype("float64") + 1) / 2
    h, w = mass.shape[1:]
    rows, columns = np.arange(h)[:, None], np.arange(w)[None]
    total = np.maximum(mass.sum(axis=(1, 2)), 1e-9)

    def mean(values: np.ndarray) -> np.ndarray:
        return (mass * values).sum(axis=(1, 2)) / total

    row, column = mean(rows), mean(columns)
    down = rows - row[:, None, None]
    right = columns - column[:, None, None]
    seconds = mean(down**2), mean(down * right), mean(right**2)
    return Ink(total, row, column, *seconds)


def moments(images: np.ndarray) -> np.ndarray:
    """Measure slant, width and ink of pictures.

    The grey of a pixel, 0 to 1, is taken as a mass. With m_rr, m_cc, m_rc,
    its second moments about its centre over rows and columns:

    - slant: -m_rc / m_rr, columns to the right for each row up;
    - width: sqrt(m_cc - m_rc^2 / m_rr), pixels, the spread of columns that
      is left when each row is pushed back by the slant;
    - ink: mean grey.

    Args:
        images: (n, h, w, 1) in [-1, 1].

    Returns:
        float64 (n, 3), in this order; a black picture has 0 of each.
    """
    found = ink(images)
    m_rr = np.maximum(found.m_rr, 1e-9)
    width = np.sqrt(np.maximum(found.m_cc - found.m_rc**2 / m_rr, 0))
    area = images.shape[1] * images.shape[2]
    return np.stack([-found.m_rc / m_rr, width, found.total / area], axis=1)


def common_direction(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return how codes differ, on average, where a value is larger.

    The covariance of each number of the code with the value, over the
    value's deviation. For codes of unit covariance, such as z, least squares
    finds the same direction.

    Args:
        codes: (n, d).
        values: (n,).

    Returns:
        (d,): the shift of the mean code where the value is one deviation
        larger.
    """
    scaled = (values - values.mean()) / values.std()
    return (codes - codes.mean(axis=0)).T @ scaled / len(values)


def explained(codes: np.ndarray, values: np.ndarray, n_fit: int) -> float:
    """Return R^2 of a linear fit on the first n_fit rows, on all others.

    Args:
        codes: (n, d).
        values: (n,).
        n_fit: rows to fit on.

    Returns:
        1 for a perfect prediction; 0 for one no better than the mean.
    """
    ones = np.ones((len(codes), 1))
    with_one = np.concatenate([codes, ones], axis=1)
    fit = np.linalg.lstsq(with_one[:n_fit], values[:n_fit], rcond=None)[0]
    wrong = with_one[n_fit:] @ fit - values[n_fit:]
    return float(1 - wrong.var() / values[n_fit:].var())


def runs(mark: str = "long", mixed: bool = False) -> pd.DataFrame:
    """Read how far the designs of the study came.

    Args:
        mark: "short" or "long", for the time that 800 or 2,000 steps of a
            DCGAN take, or "equal steps".
        mixed: whether with the design that was trained to mix styles.

    Returns:
        A row a run that chose nothing: `way`, `gamma`, `seed`, `steps`, and
        `fcd`, `precision`, `recall` of 5,000 samples v holdout.
    """
    found = [
        {"way": row["design"], "gamma": row["gamma"], "seed": row["seed"]}
        | row["marks"][mark]
        for row in _rows("design")
        if mixed or "mixed" not in row["design"]
    ]
    return pd.DataFrame(found)


def codes() -> pd.DataFrame:
    """Read what linear fits find in the codes of each design.

    Returns:
        Columns `property`, `code` ("w", "its z", and "z of ..." of three
        other designs), `value`, `seed`: R^2 of three moments, and the share
        of the digits that a linear classifier names as the judge does.
    """
    rows = _rows("design")
    found = [
        {
            "property": "digit named" if key == "class" else key,
            "code": name,
            "value": row["codes"][code][key],
            "seed": row["seed"],
        }
        for (way, code), name in NAMES.items()
        for row in rows
        if row["design"] == way
        for key in (*MOMENTS, "class")
    ]
    return pd.DataFrame(found)


def steered() -> pd.DataFrame:
    """Read how many digits of each design stay when their slant is moved.

    Between the distances that were measured, a straight line.

    Returns:
        A row a code, as in `codes`; columns "1 SD" and "2 SD" of slant: the
        share of the digits that stay, median of the seeds.
    """
    rows = _rows("design")
    found = {}
    for (way, code), name in NAMES.items():
        shares = []
        for row in rows:
            if row["design"] == way:
                moved = row["codes"][code]["moved"]
                shift, kept = [0, *moved["shift"]], [1, *moved["kept"]]
                shares.append(np.interp([1, 2], shift, kept))
        found[name] = np.median(shares, axis=0)
    moved = pd.Index(["1 SD", "2 SD"], name="digits that stay, after")
    return pd.DataFrame(found, moved).T


class Reading(NamedTuple):
    """What the judge and the ruler say of pictures.

    Attributes:
        named: the digit, (n,).
        moments: (n, 3), as `moments` returns them.
    """

    named: np.ndarray
    moments: np.ndarray


def read(images: np.ndarray) -> Reading:
    """Read pictures (n, 28, 28, 1) in [-1, 1]."""
    return Reading(conditional.named(images), moments(images))


def traits(receivers: Reading, donors: Reading, mixed: Reading) -> dict:
    """Ask what mixed pictures have from whom, where the digits of the two
    differ.

    Args:
        receivers: n pictures.
        donors: n others.
        mixed: pictures from codes of both.

    Returns:
        "receiver" and "donor", the shares that show the digit of one; for
        each moment the two weights (2,) of a linear fit, in deviations.
    """
    two = receivers.named != donors.named
    pair = receivers, donors
    of_a, of_b = ((mixed.named == one.named)[two].mean() for one in pair)
    found = {"receiver": float(of_a), "donor": float(of_b)}
    for k, name in enumerate(MOMENTS):
        left = np.stack([one.moments[two, k] for one in pair], axis=1)
        left = (left - left.mean(axis=0)) / left.std()
        right = mixed.moments[two, k] - mixed.moments[two, k].mean()
        fit = np.linalg.lstsq(left, right / right.std(), rcond=None)
        found[name] = fit[0]
    return found


def whose(
    receivers: Reading, donors: Reading, mixed: Reading
) -> dict[str, float]:
    """Ask whom mixed pictures follow: `traits` as shares, 0 for the
    receiver's, 1 for the donor's.

    Returns:
        Property -> share: of the pictures whose digit is that of one of the
        two; for a moment, the donor's weight over both. Last, "third digit",
        the share that shows neither's.
    """
    found = traits(receivers, donors, mixed)
    of_a, of_b = found["receiver"], found["donor"]
    shares = {"digit": of_b / max(of_a + of_b, 1e-9)}
    for name in MOMENTS:
        shares[name] = float(found[name][1] / found[name].sum())
    return shares | {"third digit": 1 - of_a - of_b}


def truncation() -> pd.DataFrame:
    """Read what the shipped style generator does as its codes near the mean.

    Returns:
        A row a psi, from 1 downwards; columns `psi`, `fcd`, `precision`,
        `recall`, `sharpness`, `sure`, `rarest`, means of five sets.
    """
    found = [
        {"psi": row["gamma"]}
        | {k: v[0] for k, v in row.items() if isinstance(v, list)}
        for row in _rows("truncation")
    ]
    return pd.DataFrame(found).sort_values("psi", ascending=False)


def _rows(kind: str) -> list[dict]:
    """Return the rows of one kind that chose nothing."""
    rows = json.loads(RECORD.read_text(encoding="utf-8"))["runs"]
    return [r for r in rows if r["kind"] == kind and r["seed"] < TUNING]
