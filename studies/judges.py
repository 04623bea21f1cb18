"""Ask a second judge, and other real digits: python -m studies.judges.

The shipped generators and the damaged sets of lesson 04 under both judges,
and the generators against other 5,000 real digits than those of `holdout`.
The figures go to data/results/judges.json, the tables to docs/judges.md.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from helpers import checkpoints, data, metrics, runtime, training
from helpers.lessons import evaluation, vae
from tools import tables

RESULTS = runtime.ROOT / "data" / "results" / "judges.json"
REPORT = runtime.ROOT / "docs" / "judges.md"
JUDGES = ("digit_classifier", "second_judge")
GENERATORS = ("dcgan_generator", "vae10", "vae2")
SEED = 10_000  # of the samples; no run trains with it
N_DAMAGED = 2_000  # as in lesson 04
N_REFERENCES = 10
METRICS = ("fcd", "kid", "score", "precision", "recall", "density", "coverage")


PAGE = """\
# A second judge, and other real digits

Written by `python -m studies.judges` from
[judges.json](../data/results/judges.json).

Judge 1 is `digit_classifier`, on which `mnist-fcd-v1` rests; judge 2 is
`second_judge`, another architecture from another seed, trained by the same
command.

## Every set under both

Generators and real digits of `test`: 5,000 against `holdout`. Then the damaged
sets of lesson 04: 2,000 digits of `holdout` against 2,000 others.

{both}

## Do the judges agree on the order?

{order}

## Other real digits

The same 5,000 samples against ten random halves of `test`, mean and standard
deviation over the references, beside the figure of the card against `holdout`,
which has as many of each digit.

{moved}
"""


def generated(n: int) -> dict[str, np.ndarray]:
    """Draw n samples (n, 28, 28, 1) of each shipped generator."""
    sets = {}
    for name in GENERATORS:
        model = checkpoints.load(name)
        decoder = model.get_layer("decoder") if "vae" in name else model
        z = training.sample_z(n, decoder.input_shape[-1], SEED, 0)
        draw = vae.mean_images if "vae" in name else training.generate
        sets[name] = draw(model, z)
    return sets


def damaged(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Damage digits of `holdout`, each set in one way, as lesson 04 does.

    Args:
        x: images (5,000, 28, 28, 1); the first `N_DAMAGED` are the reference.
        y: their digits.

    Returns:
        Sets of `N_DAMAGED` images by name.
    """
    return evaluation.damaged(x, y, N_DAMAGED, SEED)


def real_sets(n: int) -> Iterator[np.ndarray]:
    """Yield `N_REFERENCES` random sets of n images of `test`."""
    images, _ = data.load("test")
    for k in range(N_REFERENCES):
        rows = np.random.default_rng([SEED, k]).permutation(len(images))
        yield images[rows[:n]]


def rounded(scores: dict[str, float]) -> dict[str, float]:
    """Return the scores that are shown, four significant digits."""
    return {name: float(f"{scores[name]:.4g}") for name in METRICS}


def measure() -> dict:
    """Judge everything; return the record.

    Raises:
        DataError: the full MNIST is not at hand.
    """
    x, y = data.load("holdout")
    sets = generated(len(x))
    sets["real digits"] = next(real_sets(len(x)))
    by_judge: dict[str, dict] = {}
    for judge in JUDGES:
        rows = by_judge[judge] = {}
        for against, some in ((x, sets), (x[:N_DAMAGED], damaged(x, y))):
            real = metrics.judge(against, judge)
            for name, images in some.items():
                fake = metrics.judge(images, judge)
                rows[name] = rounded(metrics.measures(fake, real))
    judged = {name: metrics.judge(sets[name]) for name in GENERATORS}
    references: dict[str, list] = {name: [] for name in GENERATORS}
    for images in real_sets(len(x)):
        real = metrics.judge(images)
        for name, fake in judged.items():
            references[name].append(rounded(metrics.measures(fake, real)))
    return {
        "command": "python -m studies.judges",
        "judges": {k: checkpoints.card(k)["sha256"] for k in JUDGES},
        "generators": {k: checkpoints.card(k)["sha256"] for k in GENERATORS},
        "by_judge": by_judge,
        "references": references,
    }


def turned(first: pd.Series, second: pd.Series) -> list[str]:
    """Say which pairs the two judges put in another order."""
    return [
        f"{a} and {b}"
        for a, b in itertools.combinations(first.index, 2)
        if (first[a] - first[b]) * (second[a] - second[b]) < 0
    ]


def under_both(one: pd.DataFrame, two: pd.DataFrame) -> str:
    """Write what the judges say of each set, and of it beside the GAN."""
    shown = {}
    for metric in ("fcd", "precision", "recall", "coverage"):
        form = "{:.1f}" if metric == "fcd" else "{:.2f}"
        for k, found in enumerate((one, two), 1):
            shown[f"{metric}, judge {k}"] = found[metric].map(form.format)
    for k, found in enumerate((one, two), 1):
        ratio = found["fcd"] / found["fcd"][GENERATORS[0]]
        shown[f"fcd / GAN's, judge {k}"] = ratio.map("{:.2f}".format)
    return tables.markdown(pd.DataFrame(shown).reset_index(names="set"))


def agreement(one: pd.DataFrame, two: pd.DataFrame) -> str:
    """Write how far the judges agree on the order, metric by metric."""
    n = len(GENERATORS) + 1
    rows = {}
    for metric in METRICS:
        row = rows[metric] = {}
        for name, some in {
            "generators": slice(n),
            "damaged": slice(n, None),
        }.items():
            a, b = one[metric].iloc[some], two[metric].iloc[some]
            row[f"{name}, rank correlation"] = (
                f"{stats.spearmanr(a, b)[0]:.2f}"
            )
            row[f"{name}, in another order"] = (
                "; ".join(turned(a, b)) or "none"
            )
    return tables.markdown(pd.DataFrame(rows).T.reset_index(names="metric"))


def moved(references: dict[str, list]) -> str:
    """Write how the figures move with the reference."""
    rows = {}
    for name, found in references.items():
        others = pd.DataFrame(found)
        card = checkpoints.card(name)["metrics"][evaluation.GENERATED]
        row = rows[name] = {}
        for metric in ("fcd", "precision", "recall"):
            digits = 1 if metric == "fcd" else 3
            mean, sd = others[metric].mean(), others[metric].std()
            row[f"{metric}, holdout"] = (
                f"{card[metric]['estimate']:.{digits}f}"
            )
            row[f"{metric}, others"] = f"{mean:.{digits}f} ± {sd:.{digits}f}"
    return tables.markdown(pd.DataFrame(rows).T.reset_index(names="set"))


def report(record: dict) -> str:
    """Return the page."""
    judged = record["by_judge"]
    one, two = (pd.DataFrame(judged[judge]).T for judge in JUDGES)
    return PAGE.format(
        both=under_both(one, two),
        order=agreement(one, two),
        moved=moved(record["references"]),
    )


def main() -> None:
    """Measure, and write record and page."""
    record = measure()
    runtime.write_json(RESULTS, record)
    REPORT.write_text(report(record), encoding="utf-8")


if __name__ == "__main__":
    main()
