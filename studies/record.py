"""Records of studies: one row a finished run, so that a call goes on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from helpers import runtime


class Record:
    """A JSON file of what was measured, and of the rows so far.

    Attributes:
        about: what holds for all rows: command, protocol, machine.
        rows: one a finished run.
    """

    def __init__(
        self,
        path: Path,
        about: dict[str, Any],
        keys: tuple[str, ...],
        order: Sequence[str] = (),
    ) -> None:
        """Read the file, or begin one.

        Args:
            path: the file.
            about: of a new record; an old one keeps its own.
            keys: the entries that tell one row from another; the first is
                a name.
            order: in which the names stand in the file.
        """
        self.path, self.keys, self.order = path, keys, list(order)
        self.about, self.rows = about, []
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            self.rows = found.pop("runs")
            self.about = found
            fixed = {k: about.get(k) for k in ("protocol", "steps")}
            if any(v != found.get(k) for k, v in fixed.items() if v):
                raise ValueError(
                    f"{path}: expected rows of {fixed}, found those of "
                    f"another protocol. Move that file away to start over."
                )

    def key(self, row: dict[str, Any]) -> tuple:
        """Return what tells a row from another."""
        return tuple(row[name] for name in self.keys)

    def __contains__(self, key: tuple) -> bool:
        """Whether a run is done."""
        return key in map(self.key, self.rows)

    def add(self, row: dict[str, Any]) -> None:
        """Write a row at once, in its place, and say so."""
        self.rows.append(row)
        if self.order:  # a name that is no longer listed comes last
            rank = {name: k for k, name in enumerate(self.order)}
            self.rows.sort(
                key=lambda row: (
                    rank.get(row[self.keys[0]], len(rank)),
                    *self.key(row)[1:],
                )
            )
        self.write()
        print(*self.key(row), flush=True)

    def write(self) -> None:
        """Write the file whole or not at all; a row is a line."""
        text = json.dumps(self.about | {"runs": [0]}, indent=2)
        lines = ",\n".join(f"    {json.dumps(row)}" for row in self.rows)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with runtime.replacing(self.path) as part:
            part.write_text(
                text.replace("    0\n", f"{lines}\n") + "\n",
                encoding="utf-8",
            )
