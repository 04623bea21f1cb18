"""Train a shipped checkpoint: python -m tools.make_checkpoints NAME.

The run saves its state every few hundred steps, so that it can be stopped
with Ctrl-C and goes on exactly where it stood when called again.
"""

import argparse
import dataclasses
import os
import platform
from importlib.metadata import version
from pathlib import Path

from helpers import checkpoints, data, runtime, training

BUILD = runtime.ROOT / "build"
SAVE_EVERY = 500  # steps; about 20 seconds of work on two cores


@dataclasses.dataclass(frozen=True)
class Plan:
    """A checkpoint to make: what to train, and for how long."""

    recipe: training.Recipe
    n_steps: int


PLANS = {
    "dcgan_generator": Plan(
        training.Recipe(
            seed=2_026,
            batch_size=64,
            learning_rate=1e-3,
            ema_decay=0.999,
        ),
        n_steps=10_000,
    ),
}


def _resume(plan: Plan, state: Path) -> training.Gan:
    """Go on with a saved run of the same recipe, or begin one."""
    if state.exists():
        gan = training.load_state(state)
        if gan.recipe == plan.recipe:
            return gan
        print(f"{state.name} is of another recipe; beginning anew")
    return training.build_gan(plan.recipe)


def _card(name: str, plan: Plan, gan: training.Gan) -> dict:
    """Record what was trained, on what, how long, with which versions."""
    recipe = plan.recipe
    return {
        "title": "Average generator of the light DCGAN of lesson 03",
        "builder": "build_generator",
        "arguments": {
            "latent_dim": recipe.latent_dim,
            "width": recipe.width,
        },
        "command": f"python -m tools.make_checkpoints {name}",
        "recipe": dataclasses.asdict(recipe),
        "steps": plan.n_steps,
        "trained_on": "train split of the full MNIST, 54,000 images",
        "training_seconds": round(gan.history[-1][1]),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPU cores",
        "versions": {
            package: version(package) for package in ("keras", "numpy")
        }
        | {"tensorflow": training.tf.__version__},
        "metrics": "none yet",
        "licence": "CC BY-SA 3.0, as the images it was trained on",
    }


def make(name: str) -> None:
    """Train one checkpoint and write weights and card.

    Args:
        name: one of `PLANS`.

    Raises:
        DataError: the full MNIST is not at hand.
    """
    if data.source() == data.SMALL:
        raise data.DataError(
            f"A checkpoint is trained on the full MNIST. {data.MEND}"
        )
    plan, state = PLANS[name], BUILD / f"{name}.state.npz"
    BUILD.mkdir(exist_ok=True)
    x_train, _ = data.load("train")
    gan = _resume(plan, state)
    while (step := int(gan.step)) < plan.n_steps:
        goal = min(step + SAVE_EVERY, plan.n_steps)
        finished = training.fit(gan, x_train, goal)
        training.save_state(gan, state)
        print(f"{name}: step {int(gan.step):,} of {plan.n_steps:,}")
        if not finished:
            return
    checkpoints.save(name, gan.average, _card(name, plan, gan))
    print(f"{name}: written to {checkpoints.FOLDER}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(PLANS))
    make(parser.parse_args().name)
