"""What lesson 04 shows: a forced choice between pictures, a leaderboard."""

import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import ndimage
from skimage.data import brick

from helpers import checkpoints, data, metrics, views

GENERATED = "holdout, 5,000 samples, 10 sets"  # entries of the cards
ON_TEST = "test, 10,000 samples, 10 sets"
REAL = "holdout, 5,000 real digits of test"


def damaged(
    x: np.ndarray, y: np.ndarray, n: int, seed: int
) -> dict[str, np.ndarray]:
    """Damage digits of `holdout`, each set in one way, as lesson 04 does.

    Args:
        x: images (5,000, 28, 28, 1); the first n are the reference.
        y: their digits.
        n: images a set, a multiple of 100, at most 2,000.
        seed: of noise and places.

    Returns:
        Sets of n images by name; "fresh" has nothing wrong with it.
    """
    rng = np.random.default_rng(seed)
    x_ref, x_new, rest, digit = x[:n], x[n : 2 * n], x[n:-500], y[n:-500]
    grain, wall = rng.normal(size=x_new.shape).astype("float32"), brick()
    corners = rng.integers(len(wall) - 28, size=(n // 10, 2))
    pieces = np.stack([wall[i : i + 28, j : j + 28] for i, j in corners])
    return {
        "fresh": x_new,
        "noise": np.clip(x_new + 0.3 * grain, -1, 1),
        "blur": ndimage.gaussian_filter(x_new, (0, 1, 1, 0)),
        "shift": np.roll(x_new, 3, axis=2),
        "no 8, no 9": rest[digit < 8][:n],
        "100 digits": x[[*range(-100, 0)] * (n // 100)],
        "copies": np.clip(x_ref + 0.05 * grain, -1, 1),
        "brick": np.r_[data.to_float(pieces[..., None]), x_new[n // 10 :]],
    }


class ForcedChoice:
    """A two-alternative forced-choice test: which of two images is real?

    Attributes:
        pairs: (n, 2, 28, 28, 1), left and right image of each pair.
        real_side: 0 or 1 for each pair, where the real image is.
        answers: the sides chosen so far.
    """

    def __init__(self, real: np.ndarray, fake: np.ndarray, seed: int) -> None:
        """Put each real image beside a generated one, on a random side.

        Args:
            real: images (n, 28, 28, 1) in [-1, 1].
            fake: as many.
            seed: of the sides.

        Raises:
            ValueError: not as many of both, or none.
        """
        if len(real) != len(fake) or not len(real):
            raise ValueError(
                "real and fake: expected as many of both, found "
                f"{len(real)} and {len(fake)}."
            )
        self.real_side = np.random.default_rng(seed).integers(
            2, size=len(real)
        )
        swap = self.real_side[:, None, None, None, None] == 1
        pair = np.stack([real, fake], axis=1)
        self.pairs = np.where(swap, pair[:, ::-1], pair)
        self.answers: list[int] = []

    @property
    def n_correct(self) -> int:
        """How many of the answers so far name the real image."""
        return int(np.sum(self.real_side[: len(self.answers)] == self.answers))

    def answer(self, side: int) -> None:
        """Choose a side of the next pair; after the last one, do nothing.

        Args:
            side: 0 for left, 1 for right.

        Raises:
            ValueError: another side.
        """
        if side not in (0, 1):
            raise ValueError(f"side is {side!r}; 0 is left, 1 is right.")
        if len(self.answers) < len(self.pairs):
            self.answers.append(int(side))

    def undo(self) -> None:
        """Take the last answer back; before the first one, do nothing."""
        del self.answers[-1:]

    def told(self) -> str:
        """Say how far the test is, and at its end how many were right."""
        done, n = len(self.answers), len(self.pairs)
        right = f", {self.n_correct} right" if done == n else ""
        return f"{done} of {n} answered{right}"

    def png(self) -> bytes:
        """Return the pair that is asked for, enlarged, as PNG."""
        pair = self.pairs[min(len(self.answers), len(self.pairs) - 1)]
        large = np.kron(views.tile(pair, 2), np.ones((7, 7)))
        buffer = io.BytesIO()
        plt.imsave(buffer, large, vmin=-1, vmax=1, format="png")
        return buffer.getvalue()

    def widget(self) -> widgets.VBox:
        """Return the test with buttons, and a field that takes l, r and u.

        What was answered is also said, for those who do not see it.
        """
        picture, status = widgets.Image(width=400), widgets.HTML()
        keys = widgets.Text(description="keys", placeholder="l, r; u: undo")
        acts = {
            "l": lambda: self.answer(0),
            "r": lambda: self.answer(1),
            "u": self.undo,
        }
        names = ("left is real", "right is real", "undo")

        def act(key: str) -> None:
            acts.get(key, lambda: None)()
            picture.value = self.png()
            status.value = f'<p role="status">{self.told()}</p>'

        def typed(change: dict) -> None:
            if change["new"].startswith(change["old"]):  # else text is deleted
                for key in change["new"][len(change["old"]) :].lower():
                    act(key)

        buttons = [widgets.Button(description=name) for name in names]
        for button, key in zip(buttons, acts, strict=True):
            button.on_click(lambda _, key=key: act(key))
        keys.observe(typed, "value")
        act("")
        return widgets.VBox([picture, widgets.HBox(buttons), keys, status])


def _cell(name: str, measure: str, found: dict[str, float]) -> str:
    """Return a cell of the leaderboard: estimate and half-width."""
    estimate, low, high = (found[x] for x in metrics.Interval._fields)
    # An end where the measure ends may have been cut there.
    is_cut = low == metrics.RANGES.get(measure, (None,))[0]
    half = high - estimate if is_cut else estimate - low
    if not (low <= estimate <= high and half > 0):
        raise checkpoints.CheckpointError(
            f"card of {name}: expected {measure} inside its interval, found "
            f"{found}. {checkpoints.REMEDY}"
        )
    digits = max(0, min(3, 1 - int(np.floor(np.log10(half)))))
    return f"{estimate:.{digits}f} ± {half:.{digits}f}"


def _row(name: str, scores: dict[str, dict]) -> dict[str, object]:
    """Return a row of the leaderboard, without what only networks have."""
    return {"": name} | {m: _cell(name, m, x) for m, x in scores.items()}


def leaderboard() -> pd.DataFrame:
    """Rank the shipped generators by the scores on their cards.

    5,000 samples against the 5,000 images of `holdout`; intervals of 95 %,
    over ten sets of samples. The first row holds 5,000 unseen real digits,
    with the interval of the jackknife.

    Returns:
        One row a generator, by rising FCD: measures as in
        `metrics.measures`, the FCD of 10,000 samples against the 10,000 of
        `test`, training seconds, and size of the weights in kB.

    Raises:
        CheckpointError: a card cannot be read.
    """
    judge = checkpoints.card("digit_classifier")["metrics"]
    blank = dict.fromkeys(("fcd, test", "seconds", "kB"), "")
    rows = [_row("real digits", judge[REAL]) | blank]
    shipped = {
        name: checkpoints.card(name) for name in checkpoints.available()
    }
    scored = {
        name: card["metrics"][GENERATED]
        for name, card in shipped.items()
        if GENERATED in card.get("metrics", {})
    }
    for name in sorted(
        scored, key=lambda name: scored[name]["fcd"]["estimate"]
    ):
        weights = checkpoints.FOLDER / f"{name}.weights.h5"
        on_test = shipped[name]["metrics"][ON_TEST]["fcd"]
        rows.append(
            _row(name, scored[name])
            | {
                "fcd, test": _cell(name, "fcd", on_test),
                "seconds": shipped[name]["training_seconds"],
                "kB": round(weights.stat().st_size / 1e3),
            }
        )
    return pd.DataFrame(rows).set_index("")
