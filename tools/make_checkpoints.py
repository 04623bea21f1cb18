"""Train a shipped checkpoint: python -m tools.make_checkpoints NAME.

NAME is digit_classifier (the judge), second_judge, dcgan (generator and
discriminator), conditional (a generator that is told the digit), style (one
with a mapping network), inpainting_l1, inpainting_gan, photo_inpainting and
digit_segmentation (the U-Nets of lesson 07), style_features (the features of
lesson 09), vae2 or vae10 (encoder and decoder in one file).
A run saves its state as it goes, so that it can be stopped with Ctrl-C and
goes on exactly where it stood when called again. With --measure nothing is
trained: the shipped files are measured again, and their cards say the rest.
"""

import argparse
import dataclasses
from importlib.metadata import version

from helpers import checkpoints, data, runtime
from helpers.backend import tf
from helpers.lessons import scoring
from tools.alone import alone
from tools.plans import BUILD, PLANS


def card_of(name: str) -> dict[str, object]:
    """Record what is trained, on what, with which command and versions."""
    versions = {package: version(package) for package in ("keras", "numpy")}
    return {
        "command": f"python -m tools.make_checkpoints {name}",
        "plan": dataclasses.asdict(PLANS[name]),
        "protocol": f"{scoring.PROTOCOL.stem}: the figures on holdout",
        "trained_on": "train split of the full MNIST, 54,000 images",
        "machine": runtime.machine(),
        "versions": versions | {"tensorflow": tf.__version__},
        "licence": "CC BY-SA 3.0, as the images it was trained on",
    }


def make(name: str) -> None:
    """Train one of `PLANS`, write weights and cards, and measure them.

    Args:
        name: one of `PLANS`.

    Raises:
        DataError: the full MNIST is not at hand.
    """
    data.need_full("Training a checkpoint")
    BUILD.mkdir(exist_ok=True)
    networks = PLANS[name].train(name)
    if networks is None:
        print(f"{name}: stopped; the same command goes on from here")
        return
    for shipped, (model, entries) in networks.items():
        checkpoints.save(shipped, model, entries | card_of(name) | entries)
    print(f"{name}: written to {checkpoints.FOLDER}")
    measure(name)


def measure(name: str) -> None:
    """Measure the files of one of `PLANS` as everybody reads them.

    The card of the network that is judged gets new figures; nothing else
    of it changes.

    Args:
        name: one of `PLANS`; its checkpoints are in place.

    Raises:
        DataError: the full MNIST is not at hand.
        CheckpointError: there is no such checkpoint, or it is damaged.
    """
    data.need_full("Measuring a checkpoint")
    shipped, report = PLANS[name].measure(name)
    card = checkpoints.card(shipped) | {"metrics": report}
    runtime.write_json(checkpoints.FOLDER / f"{shipped}.json", card)
    print(f"{shipped}: measured")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(PLANS))
    parser.add_argument(
        "--measure", action="store_true", help="measure, train nothing"
    )
    given = parser.parse_args()
    with alone(BUILD / given.name):
        (measure if given.measure else make)(given.name)
