"""Shipped weights, each with a JSON card; nothing is loaded unseen.

A checkpoint NAME is data/checkpoints/NAME.weights.h5 beside NAME.json. The
card says which builder made the network and the sha256 of the weights. The
format is HDF5 with numbers in it and nothing that could run: no pickle.
"""

import hashlib
import importlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from helpers import runtime
from helpers.backend import keras

FOLDER = runtime.ROOT / "data" / "checkpoints"
REMEDY = "Fetch the two files of this checkpoint again from the course."


class CheckpointError(RuntimeError):
    """A checkpoint is missing or is not what its card says."""


def _paths(name: str, folder: Path) -> tuple[Path, Path]:
    """Return the paths of the weights and of the card."""
    return folder / f"{name}.weights.h5", folder / f"{name}.json"


def available(folder: Path = FOLDER) -> list[str]:
    """List the names of the checkpoints in a folder.

    Args:
        folder: where to look.

    Returns:
        Names in alphabetical order.
    """
    return sorted(path.stem for path in folder.glob("[!.]*.json"))


def card(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Read the card of a checkpoint.

    Args:
        name: as in `available`.
        folder: where to look.

    Returns:
        The card.

    Raises:
        CheckpointError: there is none of this name, or it cannot be read.
    """
    path = _paths(name, folder)[1]
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        missing = {"builder", "arguments", "sha256"} - set(content)
    except FileNotFoundError:
        raise CheckpointError(
            f"There is no checkpoint {name!r}; available: "
            f"{', '.join(available(folder)) or 'none'}."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: expected a JSON card, found one that cannot be read "
            f"({error}). {REMEDY}"
        ) from None
    if missing:
        raise CheckpointError(
            f"{path}: expected the entries {', '.join(sorted(missing))}, "
            f"found none. {REMEDY}"
        )
    return content


def builder(named: str) -> Callable[..., keras.Model] | None:
    """Find the builder that a card names.

    Args:
        named: "x.build_y" for build_y of helpers.lessons.x.

    Returns:
        The function, or None where the course has none of this name.
    """
    if not re.fullmatch(r"\w+\.build_\w+", named):
        return None
    lesson, function = named.split(".")
    try:
        module = importlib.import_module(f"helpers.lessons.{lesson}")
    except ModuleNotFoundError:
        return None
    return getattr(module, function, None)


def load(name: str, folder: Path = FOLDER) -> keras.Model:
    """Build the network of a checkpoint and load its weights.

    Args:
        name: as in `available`.
        folder: where to look.

    Returns:
        The network.

    Raises:
        CheckpointError: files missing, weights that differ from the card's
            sha256, or a builder that the course does not have.
    """
    content = card(name, folder)
    weights = _paths(name, folder)[0]
    try:
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise CheckpointError(
            f"{weights}: cannot be read ({error.strerror}). {REMEDY}"
        ) from None
    if found != content["sha256"]:
        raise CheckpointError(
            f"{weights}: expected sha256 {content['sha256'][:12]}..., found "
            f"{found[:12]}...: the file is damaged or was changed. {REMEDY}"
        )
    named = str(content["builder"])
    build = builder(named)
    if build is None:
        raise CheckpointError(
            f"{name}: its card names the builder {named!r}, which the course "
            f"does not have. {REMEDY}"
        )
    try:
        model = build(**content["arguments"])
        model.load_weights(weights)
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())  # Keras writes several lines
        raise CheckpointError(
            f"{name}: {named} with the card's arguments does not fit its "
            f"weights ({reason}). {REMEDY}"
        ) from None
    return model


def save(
    name: str, model: keras.Model, content: dict, folder: Path = FOLDER
) -> None:
    """Write weights and card; the card comes last and names the weights.

    Args:
        name: letters, digits and underscores.
        model: the network that `content["builder"]` builds.
        content: the card: builder, arguments, and what is to be recorded.
        folder: where to.

    Raises:
        OSError: the folder cannot be written to or the disk is full.
    """
    weights, path = _paths(name, folder)
    with runtime.replacing(path) as draft, runtime.replacing(weights) as part:
        model.save_weights(part)
        digest = hashlib.sha256(part.read_bytes()).hexdigest()
        text = json.dumps({**content, "sha256": digest}, indent=2) + "\n"
        draft.write_text(text, encoding="utf-8")


def copy(name: str, folder: str | Path) -> Path:
    """Copy a shipped checkpoint, to be looked at or broken.

    Args:
        name: as in `available`.
        folder: where to; it must exist.

    Returns:
        The folder, for `load`.
    """
    for path in _paths(name, FOLDER):
        shutil.copy(path, folder)
    return Path(folder)


def report() -> pd.DataFrame:
    """Say whether each shipped checkpoint is what its card says.

    Returns:
        Rows as in `runtime.report`.
    """
    rows = []
    for name in available():
        try:
            load(name)
            row = runtime.finding(name, "as its card says", True, "")
        except CheckpointError as error:
            row = runtime.finding(name, "refused", False, str(error))
        rows.append(row | {"item": f"checkpoint {name}"})
    return pd.DataFrame(rows, columns=["item", "value", "ok", "remedy"])
