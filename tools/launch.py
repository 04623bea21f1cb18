"""Open a lesson from the web: addresses, and copies that stand alone.

`python -m tools.launch OWNER/NAME` writes a copy of each lesson and deeper
notebook to build/launch/. Its first cell fetches the course from that public
repository and adds the packages that are missing; the rest is the stored
page. The workflow pages.yml puts the copies on the branch "launch", where
Colab finds them.
"""

import argparse
import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

import nbformat

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "launch"
VARIABLE = "COURSE_REPOSITORY"  # OWNER/NAME on GitHub
BRANCH = "launch"
LINK = r"(?<=\]\()(?!\w+:)([^)#\s]+)"  # to a file of the course
CELL = """\
# On its own, this page first fetches the rest of the course.
import os
import subprocess
import sys

if not os.path.isdir("../helpers"):
    if not os.path.isdir("gan-course"):
        clone = ["git", "clone", "-q", "--depth", "1", "{address}"]
        subprocess.run([*clone, "gan-course"], check=True)
    os.chdir("gan-course/notebooks")
sys.path.insert(0, os.path.abspath(".."))

from tools import bootstrap

bootstrap.main()"""


class NoRepository(ValueError):
    """A repository that is not written as OWNER/NAME."""


def checked(repository: str) -> str:
    """Return OWNER/NAME, or say what was expected."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise NoRepository(
            f"{repository!r}: expected OWNER/NAME of a public repository on "
            "GitHub, such as octocat/hello-world"
        )
    return repository


def services(repository: str, inside: str) -> dict[str, str]:
    """Return where a notebook opens: name of a service -> address.

    Args:
        repository: OWNER/NAME.
        inside: the notebook's path in the repository.
    """
    path = quote(inside, safe="")  # within a query, slashes are quoted too
    return {
        "Colab": "https://colab.research.google.com/github/"
        f"{repository}/blob/{BRANCH}/{quote(inside)}",
        "Binder": "https://mybinder.org/v2/gh/"
        f"{repository}/main?labpath={path}",
    }


def row(inside: str, download: str) -> str:
    """Return the links above a lesson on the site, as HTML.

    Services are named where the variable COURSE_REPOSITORY says which public
    repository they would open.

    Args:
        inside: the notebook's path in the repository.
        download: the address of its copy on the site.
    """
    links = [f'<a download href="{download}">Download this notebook</a>']
    if repository := os.environ.get(VARIABLE):
        opens = services(checked(repository), inside)
        links += [
            f'<a href="{to}">open it in {n}</a>' for n, to in opens.items()
        ]
    return f'<p class="launch">{" or ".join(links)}</p>'


def on_its_own(path: Path, repository: str) -> nbformat.NotebookNode:
    """Return a notebook whose first cell fetches what it needs."""

    def elsewhere(match: re.Match) -> str:
        found = (path.parent / match[1]).resolve().relative_to(ROOT)
        if found.suffix == ".ipynb":
            return services(repository, found.as_posix())["Colab"]
        return f"https://github.com/{repository}/blob/main/{found.as_posix()}"

    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(LINK, elsewhere, cell.source)
    first = nbformat.v4.new_code_cell(
        CELL.format(address=f"https://github.com/{repository}")
    )
    notebook.cells.insert(0, first)
    return notebook


def main(repository: str) -> int:
    """Write the copies."""
    checked(repository)
    shutil.rmtree(OUT, ignore_errors=True)
    paths = sorted(ROOT.glob("notebooks/**/*.ipynb"))
    for path in paths:
        copy = OUT / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(on_its_own(path, repository), copy)
    print(f"{OUT}: {len(paths)} notebooks that stand alone")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="tools.launch", description=__doc__)
    parser.add_argument("repository", help="OWNER/NAME")
    try:
        sys.exit(main(parser.parse_args().repository))
    except NoRepository as reason:
        sys.exit(str(reason))
