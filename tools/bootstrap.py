"""Make a foreign environment ready for the lessons: add what it lacks.

A page that was opened on its own (tools/launch.py) calls `main` on a machine
that brings its own packages, a hosted notebook service for instance. Nothing
that is there is changed: the versions at hand are constraints for pip. The
course's own environment, with its locked versions, is made by course.py.
"""

import importlib.metadata as metadata
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER = {"jupyterlab", "notebook", "ipykernel", "nbclient", "nbconvert"}
SERVER |= {"nbformat", "setuptools"}  # a service has its own
MODULES = {
    "tensorflow-cpu": "tensorflow",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
}
OLDEST = {"tensorflow": (2, 16), "keras": (3, 3), "numpy": (1, 26)}  # tried


def needed() -> dict[str, str]:
    """Return the packages that lessons import: name -> module."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = {}
    for line in tomllib.loads(text)["project"]["dependencies"]:
        name = re.match(r"[\w.-]+", line)[0]
        module = MODULES.get(name, name)
        if name not in SERVER and module not in found.values():
            found[name] = module
    return found


def missing() -> list[str]:
    """Return the packages that cannot be imported."""
    return [
        name
        for name, module in needed().items()
        if importlib.util.find_spec(module) is None
    ]


def install(names: list[str]) -> None:
    """Let pip add packages and leave every other as it is."""
    there = {d.metadata["Name"]: d.version for d in metadata.distributions()}
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "constraints.txt")
        pins = (f"{n}=={v}" for n, v in there.items() if n)
        kept.write_text("\n".join(pins), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "-q", "-c", str(kept)]
        done = subprocess.run(
            [*pip, *names], capture_output=True, encoding="utf-8"
        )
    if done.returncode:
        last = (done.stderr.strip() or "pip said nothing").splitlines()[-1]
        raise SystemExit(
            f"Could not add {', '.join(names)}: {last}\nExpected a network "
            "and versions that agree. On your own machine, use the course's "
            "environment instead: python3 course.py lab"
        )
    importlib.invalidate_caches()


def too_old(versions: dict[str, str]) -> list[str]:
    """Return what is older than the oldest versions that were tried."""
    return [
        f"{name} {versions[name]} (needed: {major}.{minor} or newer)"
        for name, (major, minor) in OLDEST.items()
        if tuple(map(int, re.findall(r"\d+", versions[name])[:2]))
        < (major, minor)
    ]


def version_of(module: str) -> str:
    """Return a package's version, whichever of its names it goes by."""
    names = metadata.packages_distributions()[module]
    return metadata.version(names[0])


def main() -> None:
    """Add what is missing, and say in one line what is there."""
    os.environ["COURSE_PACKAGES"] = "as found"  # lesson 00 reports them so
    if names := missing():
        install(names)
    versions = {name: version_of(name) for name in OLDEST}
    if old := too_old(versions):
        raise SystemExit(f"Too old for the course: {', '.join(old)}.")
    there = ", ".join(f"{n} {v}" for n, v in versions.items())
    added = f"; added {', '.join(names)}" if names else ""
    print(f"The course is ready: {there}{added}.")


if __name__ == "__main__":
    main()
