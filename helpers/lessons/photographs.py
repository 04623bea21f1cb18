"""Lesson 07: photographs that need no network, scratches, and patches."""

import numpy as np
from skimage import color, draw, transform
from skimage import data as pictures

TRAINING = (
    "astronaut",
    "brick",
    "cell",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "retina",
    "rocket",
)  # without copyright, all of them, by their pages in skimage.data
UNSEEN = ("camera", "chelsea")
SIDE = 28


def grey(photo: np.ndarray) -> np.ndarray:
    """Turn a photograph into grey values from -1 (black) to 1.

    Args:
        photo: (h, w) grey, or (h, w, 3 or 4) colours; uint8, bool, or
            floating point in [0, 1].

    Returns:
        float32 (h, w).

    Raises:
        ValueError: another shape or range.
    """
    photo = np.asarray(photo)
    flat, kind = photo.ndim == 2, photo.dtype
    if not flat and not (photo.ndim == 3 and photo.shape[2] in (3, 4)):
        raise ValueError(
            "photo: expected shape (h, w), (h, w, 3) or (h, w, 4), found "
            f"{photo.shape}."
        )
    if kind == np.uint8:
        photo = photo / 255
    photo = photo.astype(float)
    if not (photo.size and photo.min() >= 0 and photo.max() <= 1):
        raise ValueError(
            "photo: expected uint8, or numbers from 0 to 1, found "
            f"{kind} that leave [0, 1] (or nothing at all)."
        )
    if not flat:
        photo = color.rgb2gray(photo[..., :3])
    return (2 * photo - 1).astype("float32")


def shrunk(photo: np.ndarray, side: int = 256) -> np.ndarray:
    """Average a photograph (h, w) down until its shorter side is `side`."""
    factor = side / min(photo.shape)
    if factor >= 1:
        return photo
    shape = [round(factor * n) for n in photo.shape]
    return transform.resize(photo, shape, anti_aliasing=True)


def scratches(
    shape: tuple[int, int], seed: int, share: float = 0.08
) -> np.ndarray:
    """Draw scratches of 3 pixels' width and spots of 4 to 10 pixels.

    Args:
        shape: height and width.
        seed: the same seed, the same scratches.
        share: of the pixels that are hit, at least.

    Returns:
        float32 (h, w), 1 where the picture is gone.
    """
    rng, hole = np.random.default_rng(seed), np.zeros(shape, "float32")
    while hole.mean() < share:
        start = rng.uniform((0, 0), shape)
        if rng.random() < 0.6:
            angle, long = rng.uniform(0, np.pi), rng.uniform(10, 40)
            end = start + long * np.array([np.sin(angle), np.cos(angle)])
            ends = np.rint([start, end]).astype(int)
            spots = np.stack(draw.line(*ends.ravel()), axis=1)
        else:
            spots = [start]
        wide = 1.5 if len(spots) > 1 else rng.uniform(2, 5)
        for spot in spots:
            hole[draw.disk(spot, wide, shape=shape)] = 1
    return hole


def patches(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut patches out of the training photographs, and scratch them.

    Args:
        n: how many.
        seed: of places, mirrors and scratches.

    Returns:
        Patches float32 (n, 28, 28, 1) in [-1, 1], and masks of that shape.
    """
    photos = [shrunk(grey(getattr(pictures, name)())) for name in TRAINING]
    rng = np.random.default_rng(seed)
    x = np.empty((n, SIDE, SIDE, 1), "float32")
    holes = scratches((1_024, 1_024), seed)
    masks = np.empty_like(x)
    for k in range(n):
        photo = photos[k % len(photos)]
        for source, target in ((photo, x), (holes, masks)):
            top, left = rng.integers(0, np.subtract(source.shape, SIDE - 1))
            cut = source[top : top + SIDE, left : left + SIDE]
            target[k, ..., 0] = cut[:, :: rng.choice([-1, 1])]
    return x, masks
