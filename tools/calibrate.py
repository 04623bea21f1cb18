"""Record what the checks of a lesson measure: python -m tools.calibrate NN.

The lesson runs under five seeds, then once each with one thread, with oneDNN
off and in the ci profile. Every `check` writes its value down; the values
stand in data/results/NN_checks.json, with the range that they suggest. A
range in a lesson is wide enough if `faults` has nothing to say. Runs of the
present text are kept in build/, so that an interrupted calibration goes on.
"""

import argparse
import hashlib
import json
import math
import os
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import nbformat

from helpers import data, runtime
from tools.alone import alone
from tools.choose import choose, deeper
from tools.environment import THREADS

RESULTS = runtime.ROOT / "data" / "results"
BUILD = runtime.ROOT / "build" / "calibrate"
SEEDS = (0, 1, 2, 3, 4)
RUNS = {
    **{f"seed {k}": {"COURSE_SEED": str(k)} for k in SEEDS},
    "one thread": dict.fromkeys(THREADS, "1"),
    "oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "ci": {"COURSE_PROFILE": "ci"},
}
MARGIN = 0.5  # of the spread over the runs, to either side


def fingerprint(notebook: Path) -> str:
    """Return a hash of all that a lesson's values may depend on."""
    cells = nbformat.read(notebook, as_version=4).cells
    parts = [cell.source for cell in cells if cell.cell_type == "code"]
    for file in sorted((runtime.ROOT / "helpers").rglob("*.py")):
        parts.append(file.read_text(encoding="utf-8"))
    for file in sorted((runtime.ROOT / "data").rglob("[!.]*.json")):
        if RESULTS not in file.parents:
            parts.append(file.read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def run_once(notebook: Path, name: str) -> list[list]:
    """Run a lesson in one of `RUNS`; return what its checks recorded.

    Args:
        notebook: the lesson.
        name: of the run.

    Returns:
        Rows of claim, value, low, high, in the order of the lesson.

    Raises:
        RuntimeError: the lesson failed for another reason than a range.
    """
    label = f"{notebook.stem}_{name.replace(' ', '_')}"
    record = BUILD / f"{label}_{fingerprint(notebook)}.jsonl"
    if not record.exists():
        draft = record.with_suffix(".part")
        draft.unlink(missing_ok=True)
        environment = {"COURSE_PROFILE": "lecture", "COURSE_SEED": "0"}
        environment |= RUNS[name] | {"COURSE_CHECKS": str(draft)}
        command = [sys.executable, "-m", "tools.lessons", "one"]
        copy = BUILD / f"{label}.ipynb"
        done = subprocess.run(
            [*command, str(notebook), str(copy)],
            cwd=runtime.ROOT,
            env=os.environ | environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode:
            raise RuntimeError(
                f"{label}: {(done.stdout + done.stderr)[-500:]}"
            )
        draft.replace(record)
    lines = record.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def gather(runs: dict[str, list[list]]) -> dict[str, dict]:
    """Put the values of each claim together.

    Args:
        runs: name of the run -> rows of claim, value, low, high.

    Returns:
        Claim -> its range and its values by run. Claims of equal ends,
        which admit one value, are left out.

    Raises:
        ValueError: a run has two values of one claim.
    """
    claims: dict[str, dict] = defaultdict(dict)
    for name, rows in runs.items():
        for claim, value, low, high in rows:
            if low < high:
                entry = claims[claim]
                entry |= {"low": low, "high": high}
                values = entry.setdefault("values", {})
                if name in values:
                    raise ValueError(
                        f"{name}: {claim!r} is checked twice, so one record "
                        "would hide the other. Give each check its own words."
                    )
                values[name] = float(f"{value:.5g}")
    return dict(claims)


def faults(claims: dict[str, dict]) -> list[str]:
    """Say which ranges are too narrow for what was measured.

    To either side there must be room for half the spread of the runs. A
    value that meets an end exactly has reached the end of its scale, a
    share of 1 for instance, and needs no room there. Nor does a quantity
    below which 0 lies far off on a logarithmic scale: a range that begins at
    0, and a least value of at least a twentieth of the largest. Where both
    ends are positive and a factor of five or more apart, the spread may be
    taken as a factor too, as that of a ratio is.

    Args:
        claims: as `gather` returns them.

    Returns:
        One sentence a fault, with the range that would do.
    """
    found = []
    for claim, entry in claims.items():
        if not all(map(math.isfinite, entry["values"].values())):
            found.append(f"{claim}: a value is not finite: {entry['values']}")
            continue
        least, most = (
            min(entry["values"].values()),
            max(entry["values"].values()),
        )
        room = MARGIN * (most - least)
        at_end = least == entry["low"]
        far_from_0 = entry["low"] == 0 and least >= most / 20 > 0
        low, high = least - room, most + room
        if 0 < 5 * entry["low"] <= entry["high"] and least > 0:
            factor = (most / least) ** MARGIN
            low, high = max(low, least / factor), min(high, most * factor)
        low = least if at_end or far_from_0 else low
        high = most if most == entry["high"] else high
        if low < entry["low"] or high > entry["high"]:
            found.append(
                f"{claim}: measured {least:g} to {most:g}, so the range "
                f"[{entry['low']:g}, {entry['high']:g}] should hold "
                f"[{low:.4g}, {high:.4g}]"
            )
    return found


def target(notebook: Path) -> Path:
    """Return the record of a lesson, or of a notebook that goes deeper."""
    is_deeper = notebook.parent.name == "deeper"
    name = notebook.stem if is_deeper else notebook.stem[:2]
    return RESULTS / f"{name}_checks.json"


def calibrate(number: str) -> int:
    """Calibrate a lesson and what goes deeper; the exit status.

    Raises:
        DataError: the full MNIST is not at hand.
    """
    data.need_full("Calibration")
    [lesson] = choose([number])
    BUILD.mkdir(parents=True, exist_ok=True)
    status = 0
    for notebook in [lesson, *deeper(lesson)]:
        with alone(target(notebook)):
            status |= record(notebook)
    return status


def record(notebook: Path) -> int:
    """Do the runs of a notebook and write them down; the exit status."""
    runs = {}
    for name in RUNS:
        runs[name] = run_once(notebook, name)
        claims = gather(runs)
        print(f"{notebook.stem}: {name}: {len(runs[name])} checks", flush=True)
    content = {
        "command": f"python -m tools.calibrate {notebook.stem[:2]}",
        "machine": runtime.machine(),
        "versions": {p: version(p) for p in ("keras", "numpy")},
        "claims": claims,
    }
    runtime.write_json(target(notebook), content)
    print("\n".join(faults(claims)) or "every range is wide enough")
    return 1 if faults(claims) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("number")
    sys.exit(calibrate(parser.parse_args().number))
