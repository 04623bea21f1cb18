"""Try both README commands on fresh checkouts: python3 -m tools.trials.

Each trial is one command, `course.py test` or `course.py run`, under one
condition: an empty home folder, no COURSE_MNIST, and what `CONDITIONS` adds.
A Python gets a clone of the last commit, and with it a `.venv` of its own, in
build/trials. Standard library only, so any Python starts it.

A finished trial is one line of data/results/trials.jsonl, a failed one too,
so an interrupted call goes on where it stood. docs/trials.md is written from
these lines after each. Names of conditions after the command select among
them; two calls at the same time share the work. A failed trial is run again
once its line says under "fault" what was wrong and has been fixed.
"""

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.alone import locked
from tools.environment import THREADS

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "trials"
RESULTS = ROOT / "data" / "results" / "trials.jsonl"
REPORT = ROOT / "docs" / "trials.md"
TASKS = ("test", "run")
ONE_THREAD, TWO_THREADS = (
    dict.fromkeys((*THREADS, "TF_NUM_INTEROP_THREADS"), number)
    for number in "12"
)
NO_ONEDNN = {"TF_ENABLE_ONEDNN_OPTS": "0"}
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
C_LOCALE = {"LANG": "C", "LC_ALL": "C"}
# Condition -> Python, variables, and processes that load the machine.
CONDITIONS: dict[str, tuple[str, dict[str, str], int]] = {
    "nothing special": ("3.11", {}, 0),
    "one thread": ("3.11", ONE_THREAD, 0),
    "two threads": ("3.11", TWO_THREADS, 0),
    "oneDNN off": ("3.11", NO_ONEDNN, 0),
    "instructions up to AVX2": ("3.11", AVX2, 0),
    "instructions up to SSE4.1": ("3.11", {"ONEDNN_MAX_CPU_ISA": "SSE41"}, 0),
    "both cores busy": ("3.11", {}, 2),
    "hash seed 1": ("3.11", {"PYTHONHASHSEED": "1"}, 0),
    "hash seed 4242": ("3.12", {"PYTHONHASHSEED": "4242"}, 0),
    "time zone UTC+14": ("3.12", {"TZ": "Pacific/Kiritimati"}, 0),
    "LANG=C": ("3.13", C_LOCALE, 0),
    "CI set, 300 columns": ("3.12", {"CI": "true", "COLUMNS": "300"}, 0),
    "Python 3.13": ("3.13", {}, 0),
    "3.12, one thread, oneDNN off": ("3.12", ONE_THREAD | NO_ONEDNN, 0),
    "3.12, two threads, LANG=C": ("3.12", TWO_THREADS | C_LOCALE, 0),
    "3.13, AVX2, hash seed 7": ("3.13", AVX2 | {"PYTHONHASHSEED": "7"}, 0),
}
VERSIONS = """\
import importlib.metadata, platform
found = {
    d.name.replace("_", "-"): d.version
    for d in importlib.metadata.distributions()
}
tensorflow = found.get("tensorflow-cpu") or found.get("tensorflow")
print(platform.python_version(), tensorflow, found["keras"], found["numpy"])
"""


def done() -> list[dict[str, Any]]:
    """Return the finished trials."""
    if not RESULTS.exists():
        return []
    lines = RESULTS.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@contextlib.contextmanager
def claimed(name: str) -> Iterator[bool]:
    """Yield whether no other process has claimed a name; claim it."""
    with (BUILD / f"{name}.lock").open("a+", encoding="utf-8") as file:
        yield locked(file)


def checkout(python: str, slot: str) -> Path:
    """Return a clone at the last commit; its .venv stays from trial to trial.

    Args:
        python: such as "3.12".
        slot: of this process, so that two at a time do not share a clone.

    Raises:
        SystemExit: there is no such Python; that is no trial that failed.
    """
    command = f"python{python}"
    try:
        subprocess.run([command, "-c", ""], check=True)
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit(
            f"{command}: expected a Python of this name on PATH, found none; "
            "install it, or name conditions without it."
        ) from None
    folder = BUILD / f"python{python}{slot}"
    if not folder.exists():
        subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
    for command in ("fetch -q origin HEAD", "reset -q --hard FETCH_HEAD"):
        subprocess.run(["git", "-C", folder, *command.split()], check=True)
    return folder


def environment(home: Path, settings: dict[str, str]) -> dict[str, str]:
    """Return variables with an empty home and nothing of the course."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    kept = {k: v for k, v in os.environ.items() if "COURSE" not in k}
    kept.pop("VIRTUAL_ENV", None)
    return kept | {"HOME": str(home)} | settings


def attempt(task: str, condition: str, slot: str) -> dict[str, Any]:
    """Run one command under one condition; return its line."""
    python, settings, n_busy = CONDITIONS[condition]
    folder = checkout(python, slot)
    name = f"{task}_{condition}".replace(" ", "_").replace(",", "")
    variables = environment(BUILD / f"home{slot}", settings)
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(n_busy)
    ]
    start = time.monotonic()
    try:
        with (BUILD / f"{name}.log").open("w", encoding="utf-8") as log:
            status = subprocess.call(
                [f"python{python}", "course.py", task],
                cwd=folder,
                env=variables,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
    finally:
        for process in busy:
            process.kill()
    seconds = time.monotonic() - start
    versions = subprocess.run(
        [folder / ".venv" / "bin" / "python", "-c", VERSIONS],
        capture_output=True,
        encoding="utf-8",
    ).stdout.split()
    commit = subprocess.check_output(
        ["git", "-C", folder, "rev-parse", "--short", "HEAD"], encoding="utf-8"
    )
    return {
        "task": task,
        "condition": condition,
        "settings": settings,
        "status": status,
        "seconds": round(seconds),
        "commit": commit.strip(),
        "versions": dict(
            zip(
                ("Python", "TensorFlow", "Keras", "NumPy"),
                versions,
                strict=False,
            )
        ),
        "machine": f"{platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} CPU cores",
        "log": f"build/trials/{name}.log",
    }


def report(rows: list[dict[str, Any]]) -> str:
    """Return the table of docs/trials.md."""
    by_condition: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_condition[row["condition"]].append(row)
    failed = sum(row["status"] != 0 for row in rows)
    used = {
        name: sorted({row["versions"].get(name, "none") for row in rows})
        for name in ("Python", "TensorFlow", "Keras", "NumPy")
    }
    lines = [
        "# Both commands under many conditions",
        "",
        f"{len(rows)} runs, {failed} failed. Each is `course.py test` or "
        "`course.py run` on a clean checkout with",
        "an empty home folder and without the full MNIST. Made by "
        "`python3 -m tools.trials`, which goes on",
        "where it stopped; every run is a line of "
        "[trials.jsonl](../data/results/trials.jsonl).",
        "",
        "; ".join(f"{name} {', '.join(v)}" for name, v in used.items())
        + f"; {', '.join(sorted({row['machine'] for row in rows}))}.",
        "",
        "| condition | Python | test | run |",
        "|---|---|---|---|",
    ]
    for name, found in by_condition.items():
        cells = []
        for task in TASKS:
            told = [
                f"{'passed' if row['status'] == 0 else 'FAILED'}, "
                f"{row['seconds']} s"
                for row in found
                if row["task"] == task
            ]
            cells.append("; ".join(told) or "not tried")
        python = found[0]["versions"].get("Python", "none")
        lines.append(f"| {name} | {python} | {cells[0]} | {cells[1]} |")
    faults = [row for row in rows if "fault" in row]
    if faults:
        lines += ["", "Failed for a reason that has been fixed:", ""]
    for row in faults:
        lines.append(f"- {row['task']}, {row['condition']}: {row['fault']}")
    return "\n".join(lines) + "\n"


def main(names: list[str]) -> int:
    """Do what has no line yet; 1 if any trial on record failed."""
    unknown = set(names) - set(CONDITIONS)
    if unknown:
        print(
            f"No condition {', '.join(sorted(unknown))}; there are: "
            f"{', '.join(CONDITIONS)}.",
            file=sys.stderr,
        )
        return 2
    BUILD.mkdir(parents=True, exist_ok=True)
    # A line that was edited by hand reaches the page too.
    REPORT.write_text(report(done()), encoding="utf-8")
    with contextlib.ExitStack() as stack:
        slot = next(
            slot
            for slot in "abcdefgh"
            if stack.enter_context(claimed(f"slot_{slot}"))
        )
        for condition in names or CONDITIONS:
            for task in TASKS:
                with claimed(f"{task}_{condition}") as free:
                    key = (task, condition)
                    if not free or key in {
                        (row["task"], row["condition"])
                        for row in done()
                        if "fault" not in row
                    }:
                        continue
                    row = attempt(task, condition, slot)
                    with RESULTS.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
                    REPORT.write_text(report(done()), encoding="utf-8")
                    print(task, condition, row["status"], row["seconds"])
    failed = [row for row in done() if row["status"] and "fault" not in row]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
