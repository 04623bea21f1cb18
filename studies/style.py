"""What does a style loss tell, by features that nobody or somebody trained?

python -m studies.style. A row of data/results/09_style.json is written when
it is measured, so that an interrupted call goes on.

- trained, random, digits: the cat is painted by Gram matrices of features
  that were trained on photographs, of random ones, and of the judge of
  digits; three seeds each, the judge being one network.
- means: by the means of the trained features alone.
- faint, loud: texture without content, from weak and from strong noise.

Each picture is also looked at by a referee: features trained with another
seed, which nobody minimised. They are of the same kind as the trained ones,
and may lean to them.
"""

import argparse
import functools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from skimage import metrics

from helpers import runtime
from helpers.backend import keras, ops
from helpers.lessons import style
from studies.record import Record
from tools.alone import alone

TRAINING_STEPS, STEPS, WEIGHT = 900, 150, 0.1
SEEDS, REFEREE = (0, 1, 2), 100
STYLES = ("brick", "gravel", "coffee")
WAYS = ("trained", "means", "random", "digits", "faint", "loud")
LOUDNESS = {"faint": 0.03, "loud": 0.6}
Row = dict[str, Any]
Run = tuple[str, str, int]  # way, style, seed


@functools.cache
def trained(seed: int) -> keras.Model:
    """Train features once."""
    recipe = style.Recipe(seed)
    return style.train_features(recipe, TRAINING_STEPS)[0]


def features_of(way: str, seed: int) -> keras.Model:
    """Return the features by which a way paints."""
    if way == "random":
        return style.random_features(seed)
    return style.judge_features() if way == "digits" else trained(seed)


def means(found: Any) -> Any:
    """Return the mean of each channel."""
    return ops.mean(found, axis=(0, 1, 2))


def start_of(way: str, cat: np.ndarray, wanted: np.ndarray, seed: int) -> Any:
    """Return the picture before the first step."""
    if way not in LOUDNESS:
        return cat
    rng = np.random.default_rng(seed)
    noise = rng.normal(wanted.mean(), LOUDNESS[way], wanted.shape)
    return np.float32(noise).clip(-1, 1)


def errors(
    features: keras.Model, pictures: Sequence[np.ndarray], summary: Any
) -> list[float]:
    """Return the style errors of pictures; the last one is the style."""
    *found, wanted = (features(x, training=False) for x in pictures)
    return [float(style.style_error(a, wanted, summary)) for a in found]


def measure(run: Run) -> Row:
    """Paint one picture; return its row."""
    way, name, seed = run
    features = features_of(way, seed)
    cat, wanted = style.shipped("chelsea"), style.shipped(name)
    summary = means if way == "means" else style.gram
    weight = 0 if way in LOUDNESS else WEIGHT
    loss = style.both(features, wanted, cat, weight, summary)
    start = start_of(way, cat, wanted, seed)
    begun = time.process_time()
    painted, _ = style.paint(start, loss, STEPS)
    seconds = time.process_time() - begun
    before, after = errors(features, (start, painted, wanted), summary)
    row = {"way": way, "style": name, "seed": seed}
    row |= {"before": before, "after": after, "factor": before / after}
    seen = errors(trained(REFEREE), (cat, painted, wanted), style.gram)
    row |= {"referee, the cat": seen[0], "referee": seen[1]}
    row["ssim"] = metrics.structural_similarity(
        cat[0, ..., 0], painted[0, ..., 0], data_range=2
    )
    row["cpu_seconds"] = seconds
    return {
        k: float(f"{v:.4g}") if isinstance(v, float) else v
        for k, v in row.items()
    }


def planned() -> list[Run]:
    """List all runs."""
    return [
        (way, name, seed)
        for way in WAYS
        for name in STYLES[: 2 if way in LOUDNESS else 3]
        for seed in (SEEDS[:1] if way == "digits" else SEEDS)
    ]


def main() -> None:
    """Do the runs that have no row yet."""
    about = {
        "command": "python -m studies.style",
        "protocol": f"{style.GREY.side} pixels a side, content weight "
        f"{WEIGHT} at the third layer, Adam 0.03; features trained for "
        f"{TRAINING_STEPS} steps; referee: seed {REFEREE}",
        "steps": STEPS,
        "machine": f"{runtime.machine()}, one thread",
    }
    record = Record(style.RECORD, about, ("way", "style", "seed"), WAYS)
    for run in planned():
        if run not in record:
            record.add(measure(run))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    with alone(style.RECORD):
        main()
