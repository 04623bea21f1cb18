"""Diagrams: what feeds what."""

from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from helpers import views

Arrow = tuple[str, str, str]


def flow(
    boxes: Mapping[str, tuple[float, float]],
    arrows: Iterable[Arrow],
    back: Iterable[Arrow] = (),
) -> Figure:
    """Draw boxes and what flows between them.

    Args:
        boxes: text -> column and row, row 0 at the bottom.
        arrows: from, to, label.
        back: the same for gradients: dashed, in an arc above.

    Returns:
        The figure, for `show`.
    """
    columns, rows = np.max([*boxes.values()], axis=0) + 1
    fig = plt.figure(figsize=(10, 1.05 * rows + 0.5), layout="none")
    ax = fig.add_axes((0, 0, 1, 1), xlim=(-0.5, columns - 0.5))
    ax.set(ylim=(-0.5, rows - 0.1))
    ax.axis("off")
    ax.plot([], [])  # `show` asks for data
    frames = {}
    for text, place in boxes.items():
        box = {"boxstyle": "round,pad=0.5", "fc": "white"}
        at = {"ha": "center", "va": "center", "fontsize": 13, "bbox": box}
        frames[text] = ax.text(*place, text, **at).get_bbox_patch()
    for some, bend, colour, line in (
        (arrows, 0.0, "black", "-"),
        (back, 0.4, views.DISCRIMINATOR, "--"),
    ):
        for start, end, label in some:
            places = boxes[start], boxes[end]
            own = views.role_style(label).get("color", colour)
            look = {"arrowstyle": "->", "lw": 1.8, "color": own, "ls": line}
            look["connectionstyle"] = f"arc3,rad={bend}"
            ends = {"patchA": frames[start], "patchB": frames[end]}
            ax.annotate("", *reversed(places), arrowprops=look | ends)
            # The arc's highest point lies half its bend to the right of its
            # way; a label has its place just beyond.
            (x0, y0), (x1, y1) = ax.transData.transform(places)
            right = np.array([y1 - y0, x0 - x1])
            middle = (x0 + x1) / 2, (y0 + y1) / 2
            top = middle + (bend / 2) * right + (0, 9)
            spot = ax.transData.inverted().transform(top)
            ax.text(*spot, label, ha="center", color=own, fontsize=12)
    return fig


def gan() -> Figure:
    """Draw the game; the gradient that teaches G goes through D's box."""
    z, g, x = "vector z", "\ngenerator G", "real images x"
    d, answer = "\ndiscriminator D", "real, or\ngenerated?"
    fig = flow(
        {z: (0, 1), g: (1, 1), x: (1, 0), d: (2.1, 1), answer: (3.2, 1)},
        [(z, g, ""), (g, d, ""), (x, d, ""), (d, answer, "")],
        [(answer, d, "D learns")],
    )
    [ax] = fig.axes
    frames = {text.get_text(): text.get_bbox_patch() for text in ax.texts}
    look = {"arrowstyle": "->", "lw": 1.8} | views.ROLES["G"]
    look |= {"linestyle": "--"}
    look |= {"patchA": frames[answer], "patchB": frames[g]}
    ax.annotate("", (1, 1.14), (3.2, 1.14), arrowprops=look)
    for text, y in ("G learns", 1.2), ("G(z)", 0.84):
        near = {"color": views.GENERATOR, "ha": "center", "fontsize": 12}
        ax.text(1.55, y, text, **near)
    return fig


def conditional() -> Figure:
    """Draw the game with a label: D compares real pairs with drawn ones."""
    z, y, g, drawn, real, d, answer = (
        "vector z",
        "label y",
        "generator G",
        "drawn pair:\nG(z, y), and y",
        "real pair:\nx, and its label y",
        "discriminator D",
        "a real pair?",
    )
    fig = flow(
        {z: (0, 1.3), y: (0, 0.3), g: (1.1, 1.3), drawn: (2.2, 1.3)}
        | {real: (2.2, 0.1), d: (3.4, 0.7), answer: (4.5, 0.7)},
        [
            (z, g, ""),
            (y, g, ""),
            (g, drawn, ""),
            (y, drawn, ""),
            (drawn, d, ""),
            (real, d, ""),
            (d, answer, ""),
        ],
    )
    # The arrows of y rise: one word stands above its arrow, one below.
    ax = fig.axes[0]
    ax.text(0.5, 0.83, "an order", ha="right", va="bottom", fontsize=12)
    ax.text(1.15, 0.72, "a claim", ha="left", va="top", fontsize=12)
    return fig


def label_ways() -> Figure:
    """Draw where four ways tell D the label."""
    x, maps, flat, hidden, logit = (
        "image",
        "three\nconvolutions",
        "flat maps",
        "hidden\nlayer h",
        "logit",
    )
    way = {x: (0, 1), maps: (0.9, 1), flat: (1.85, 1), hidden: (2.7, 1)}
    late = "late:\nten numbers of y"
    told = {
        "planes:\nten pictures of y": (x, 0),
        "joined:\nten numbers of y": (flat, 1.85),
        "projection:\ninner product of h\nand a vector of y": (logit, 3.6),
    }
    return flow(
        way
        | {logit: (3.6, 1), late: (3.6, 1.85)}
        | {name: (column, 0) for name, (_, column) in told.items()},
        [(x, maps, ""), (maps, flat, ""), (flat, hidden, "")]
        + [(hidden, logit, ""), (hidden, list(told)[-1], "")]
        + [(late, logit, "")]
        + [(name, box, "") for name, (box, _) in told.items()],
    )


def dcgan() -> Figure:
    """Draw the layers of G and D, each grid as wide as it is."""
    stages = [("64", 0), ("7x7x64", 7), ("14x14x32", 14), ("28x28x1", 28)]
    stages += [("14x14x16", 14), ("14x14x16", 14), ("7x7x32", 7)]
    stages += [("128", 0), ("logit", 0)]
    layers = ["dense", "x2", "x2", "/2", "3x3", "/2", "dense", "dense"]
    centers = np.cumsum([0, 17, 21, 31, 33, 25, 23, 18, 14])
    fig = plt.figure(figsize=(10, 2.9), layout="none")
    ax = fig.add_axes((0, 0, 1, 1), xlim=(-9, 191), ylim=(-31, 27))
    ax.set_aspect("equal")
    ax.axis("off")
    ax.plot([], [])  # `show` asks for data
    small = {"ha": "center", "va": "center", "fontsize": 12}
    for (name, side), x in zip(stages, centers, strict=True):
        wide, high = (side, side) if side else (1.5, 10)
        corner = x - wide / 2, -high / 2
        ax.add_patch(plt.Rectangle(corner, wide, high, fc="0.85", ec="black"))
        ax.text(x, -high / 2 - 3.5, name, **small)
    ends = [(side or 1.5) / 2 + 0.8 for _, side in stages]
    for k, name in enumerate(layers):
        start, end = centers[k] + ends[k], centers[k + 1] - ends[k + 1]
        look = {"arrowstyle": "->", "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (end, 0), (start, 0), arrowprops=look)
        ax.text((start + end) / 2, 3.5, name, **small)
    for name, first, last, y in (
        ("G: 64 numbers become a picture", 0, 3, 20),
        ("D: a picture becomes one number", 3, 8, -23.5),
    ):
        left, right = centers[first] - 4, centers[last] + 4
        tip, role = y - np.sign(y) * 2, views.role_style(name)
        ax.plot([left, left, right, right], [tip, y, y, tip], lw=1.8, **role)
        middle = (left + right) / 2, y + np.sign(y) * 3.2
        look = small | {"fontsize": 13, "color": role["color"]}
        ax.text(*middle, name, **look)
    return fig


def judging(fake: np.ndarray, real: np.ndarray) -> Figure:
    """Draw how pictures are judged: two piles, one judge, two clouds.

    Args:
        fake: nine images (9, 28, 28, 1) in [-1, 1].
        real: nine others.

    Returns:
        The figure, for `show`.
    """
    fig = plt.figure(figsize=(10, 3.6), layout="none")
    whole = fig.add_axes((0, 0, 1, 1), xlim=(0, 10), ylim=(0, 3.6))
    whole.axis("off")
    judge = "the judge:\na classifier\nof digits"
    box = {"boxstyle": "round,pad=0.6", "fc": "white", "ec": "black"}
    middle = {"ha": "center", "va": "center", "fontsize": 13}
    whole.text(4.2, 1.8, judge, bbox=box, **middle)
    whole.text(9.4, 1.8, "how far\napart?", **middle)
    way = {"arrowstyle": "->", "lw": 1.8}
    rng = np.random.default_rng(0)
    cloud = fig.add_axes((0.59, 0.2, 0.29, 0.6), xticks=[], yticks=[])
    text = "64 numbers a picture\n(sketch: two of them)"
    cloud.set_title(text, fontsize=13, loc="center")
    for images, name, y, colour, marker in (
        (fake, "generated", 2, views.FAKE, "x"),
        (real, "real", 0.2, views.REAL, "o"),
    ):
        tiles = fig.add_axes((0.13, y / 3.6, 0.14, 1.4 / 3.6))
        views.draw_tiles(tiles, images, 3)
        whole.text(1.2, y + 0.7, name, ha="right", va="center", fontsize=13)
        ends = (3.5, 1.8 + (y - 1.1) / 4), (2.8, y + 0.7)
        whole.annotate("", *ends, arrowprops=way)
        spot = rng.normal((y, y / 4), 1, (60, 2))
        cloud.plot(*spot.T, marker, color=colour, ms=5, label=name)
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.02)}
    cloud.legend(**below, ncol=2, frameon=False, fontsize=13)
    whole.annotate("", (5.8, 1.8), (5.0, 1.8), arrowprops=way)
    return fig


def vae() -> Figure:
    """Draw a VAE: a digit through its code and back, the prior, the price."""
    x, encoder, guess, code, decoder, answer, prior, price = (
        "digit x",
        "encoder",
        "mean m,\nvariance v",
        "code z",
        "decoder",
        "the same digit?",
        "to draw: the prior,\nstandard normal z",
        "the price: how far\nfrom the prior?",
    )
    way = {x: 0, encoder: 0.9, guess: 1.9, code: 2.8, decoder: 3.7}
    return flow(
        {name: (column, 1) for name, column in way.items()}
        | {answer: (4.9, 1), price: (1.9, 0), prior: (3.7, 0)},
        [
            (x, encoder, ""),
            (encoder, guess, ""),
            (guess, code, ""),
            (code, decoder, ""),
            (decoder, answer, ""),
            (guess, price, ""),
            (prior, price, ""),
            (prior, decoder, ""),
        ],
        [
            (answer, decoder, "decoder learns"),
            (decoder, guess, ""),
            (guess, encoder, "encoder learns"),
            (price, guess, ""),
        ],
    )


def splits() -> Figure:
    """Draw which images serve which purpose, with either file of MNIST."""
    files = {
        "full file": {"train": 54_000, "validation": 6_000, "test": 10_000},
        "the 5,000": {"train": 4_000, "validation": 1_000},
    }
    colours = {"train": "0.85", "validation": "0.65", "test": "0.85"}
    fig, axes = plt.subplots(2, figsize=(10, 3.2))
    middle = {"ha": "center", "va": "center", "fontsize": 12}
    for ax, (name, parts) in zip(axes, files.items(), strict=True):
        # Small parts need room for their names.
        widths = np.sqrt([*parts.values()])
        starts = np.cumsum(widths) - widths
        for (part, n), left, wide in zip(
            parts.items(), starts, widths, strict=True
        ):
            look = {"color": colours[part], "ec": "black"}
            ax.barh(1, wide, left=left, height=0.8, **look)
            ax.text(left + wide / 2, 1, f"{part}\n{n:,}", **middle)
        start, wide = 0, widths.sum()  # holdout is all of the small file
        if "test" in parts:
            start, wide = starts[1], widths[1] * 5 / 6
        ax.barh(0.4, wide, left=start, height=0.2, color=views.FAKE)
        spot = {"ha": "center", "va": "top", "color": views.FAKE}
        ax.text(start + wide / 2, 0.25, "holdout, 5,000", fontsize=12, **spot)
        ax.set(xlim=(0, widths.sum()), ylim=(-0.2, 1.5), xticks=[], yticks=[1])
        ax.set_yticklabels([name])
        ax.spines[:].set_visible(False)
    views.headline(fig, "Every machine has holdout (widths not to scale)")
    return fig
