"""Lesson 07: scans with a mark, which a network may erase or invent."""

import numpy as np
from scipy import ndimage, stats

SIZE = 2  # pixels
BLACK = -1.0
CORNER, FAINT, NOISE = (23, 23), 0.2, 1.0  # of the mark that goes with 7s


def free_places(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose a place for a mark in each picture, away from ink and edges.

    Args:
        x: pictures (n, 28, 28, 1) in [-1, 1].
        rng: chooses among the free places of a picture.

    Returns:
        Row and column of the mark's corner, int (n, 2).
    """
    ink = ndimage.maximum_filter(x[..., 0], (1, 7, 7)) > -0.9
    ink[:, :3] = ink[:, -4:] = ink[:, :, :3] = ink[:, :, -4:] = True
    lot = np.where(ink, -1, rng.random(ink.shape)).reshape(len(x), -1)
    return np.stack(np.unravel_index(lot.argmax(axis=1), ink.shape[1:]), 1)


def _pixels(at: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return indices of the marks' pixels, (n, 2, 2) each."""
    k = np.arange(SIZE)
    rows = at[:, 0, None, None] + k[:, None]
    columns = at[:, 1, None, None] + k
    return np.arange(len(at))[:, None, None], rows, columns


def mark(
    x: np.ndarray, at: np.ndarray, has: np.ndarray, level: float = 0.8
) -> np.ndarray:
    """Put a mark of 2x2 pixels into some pictures.

    Args:
        x: pictures (n, 28, 28, 1) in [-1, 1].
        at: row and column of its corner, int (n, 2).
        has: which pictures get it, bool (n,).
        level: grey value of the mark.

    Returns:
        New pictures.
    """
    x = x.copy()
    n, rows, columns = _pixels(at)
    own = np.asarray(has)[:, None, None]
    x[n, rows, columns, 0] = np.where(own, level, x[n, rows, columns, 0])
    return x


def shows(
    images: np.ndarray, at: np.ndarray, level: float = 0.8
) -> np.ndarray:
    """Say which pictures show a mark: their mean there is nearer to it than
    to black.

    Args:
        images: pictures (n, 28, 28, 1).
        at: where to look, int (n, 2).
        level: grey value of the mark.

    Returns:
        bool (n,).
    """
    n, rows, columns = _pixels(at)
    mean = images[n, rows, columns, 0].mean(axis=(1, 2))
    return mean > (level + BLACK) / 2


def noisy(x: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise; the values may leave [-1, 1].

    Args:
        x: pictures.
        sigma: standard deviation, in grey values.
        rng: draws it.

    Returns:
        float32, of the same shape.
    """
    return (x + sigma * rng.standard_normal(x.shape)).astype("float32")


def best_guess(share: float, level: float, sigma: float) -> tuple[float, ...]:
    """How often the best guess errs about a mark that noise half hides.

    The best guess by the absolute error says what is likelier: with the
    mean m of the mark's pixels, and odds of the mark without looking, a mark
    if m exceeds the middle between mark and black by more than
    sigma^2 / 4 / (level - black) log((1 - share) / share).

    Args:
        share: of such pictures that have a mark, above 0 and below 1.
        level: grey value of the mark.
        sigma: of the noise in a pixel.

    Returns:
        Share invented where there is none, share erased where there is one.
    """
    apart, spread = level - BLACK, sigma / SIZE  # of the mean of 2x2 pixels
    bar = apart / 2 + spread**2 / apart * np.log((1 - share) / share)
    invented = stats.norm.sf(bar / spread)
    erased = stats.norm.cdf((bar - apart) / spread)
    return float(invented), float(erased)


def marked_sevens(
    x: np.ndarray, y: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put a faint mark at one place of 7s, and seldom of 3s, and add noise.

    Args:
        x: digits (n, 28, 28, 1) in [-1, 1].
        y: their classes (n,); only 3s and 7s are used.
        share: of the 7s that get the mark; of the 3s, one minus it.
        rng: draws marks and noise.

    Returns:
        Noisy scans, and the true pictures, with their marks.
    """
    x, y = x[np.isin(y, (3, 7))], y[np.isin(y, (3, 7))]
    has = rng.random(len(x)) < np.where(y == 7, share, 1 - share)
    truth = mark(x, np.tile(CORNER, (len(x), 1)), has, FAINT)
    return noisy(truth, NOISE, rng), truth
