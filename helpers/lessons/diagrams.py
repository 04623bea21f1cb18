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
        boxes: text -> column and row, row 0 at the bottom; a text that ends
            in a question mark has no frame.
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
        edge = "white" if text.endswith("?") else "black"
        box = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": edge}
        at = {"ha": "center", "va": "center", "fontsize": 13, "bbox": box}
        frames[text] = ax.text(*place, text, **at).get_bbox_patch()
    for some, bend, colour, line in (
        (arrows, 0.0, "black", "-"),
        (back, 0.4, views.DISCRIMINATOR, "--"),
    ):
        for start, end, label in some:
            places = boxes[start], boxes[end]
            look = {"arrowstyle": "->", "lw": 1.8, "color": colour, "ls": line}
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
            ax.text(*spot, label, ha="center", color=colour, fontsize=12)
    return fig


def gan() -> Figure:
    """Draw the game: noise, generator, real images, discriminator."""
    z, g, x, d, answer = (
        "noise z",
        "generator G",
        "real x",
        "discriminator D",
        "real, or generated?",
    )
    return flow(
        {z: (0, 1), g: (1, 1), x: (1, 0), d: (2.1, 0.5), answer: (3.2, 0.5)},
        [(z, g, ""), (g, d, "G(z)"), (x, d, ""), (d, answer, "")],
        [(answer, d, "D learns"), (d, g, "G learns, through D")],
    )


def dcgan() -> Figure:
    """Draw the sizes on the way through G and D."""
    sides = ["z: 64", "7x7x64", "14x14x32", "28x28x1", "14x14x16", "7x7x32"]
    boxes = {text: (k, 0) for k, text in enumerate([*sides, "real?"])}
    labels = ("G", "2x", "2x", "1/2", "1/2", "D")
    return flow(boxes, zip(boxes, [*boxes][1:], labels, strict=False))


def judging() -> Figure:
    """Draw how pictures are judged: two piles, one judge, two clouds."""
    fake, real, judge, clouds, answer = (
        "2,000 generated",
        "2,000 real",
        "the judge: a\nclassifier of digits",
        "two clouds of points,\n64 numbers a picture",
        "how far apart?",
    )
    places = (0, 1), (0, 0), (1.1, 0.5), (2.3, 0.5), (3.4, 0.5)
    boxes = dict(zip((fake, real, judge, clouds, answer), places, strict=True))
    arrows = (fake, judge), (real, judge), (judge, clouds), (clouds, answer)
    return flow(boxes, [(*arrow, "") for arrow in arrows])


def vae() -> Figure:
    """Draw a VAE: a digit through its code and back, and noise to draw."""
    x, encoder, code, decoder, answer, noise = (
        "digit x",
        "encoder",
        "code z",
        "decoder",
        "the same digit?",
        "to draw: noise z",
    )
    places = {x: 0, encoder: 1, code: 2, decoder: 3, answer: 4.2}
    return flow(
        {name: (column, 1) for name, column in places.items()}
        | {noise: (2, 0)},
        [
            (x, encoder, ""),
            (encoder, code, ""),
            (code, decoder, ""),
            (noise, decoder, ""),
            (decoder, answer, ""),
        ],
        [
            (answer, decoder, "decoder learns"),
            (decoder, code, ""),
            (code, encoder, "encoder learns"),
        ],
    )
