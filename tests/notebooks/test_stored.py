"""tools.stored: the stored form, and what exporters make of it."""

import ast
import copy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from nbconvert import HTMLExporter, ScriptExporter
from nbformat.v4 import new_output

from tools import stored

ROOT = Path(__file__).resolve().parent.parent.parent
START = ROOT / "notebooks" / "00_start_here.ipynb"
DIAL = new_output("display_data", {stored.WIDGET: {}, "text/plain": "Dial()"})


def said(text: str, name: str = "stdout") -> Any:
    """Return what a cell printed."""
    return new_output("stream", name=name, text=text)


def cell(source: str, name: str = "a", *outputs: Any, **more: Any) -> Any:
    """Return a code cell; nbformat would mend the untidy ones."""
    made = {"cell_type": "code", "source": source, "id": name, "metadata": {}}
    made |= {"outputs": list(outputs), "execution_count": None}
    return made | more


def words(source: str, name: str = "w") -> Any:
    """Return a markdown cell."""
    made = {"cell_type": "markdown", "source": source, "id": name}
    return made | {"metadata": {}}


def notebook(*cells: Any) -> Any:
    """Return a notebook of an older format, with metadata of its own."""
    made = {"cells": list(cells), "metadata": {"toc": {}}}
    return nbformat.from_dict(made | {"nbformat": 4, "nbformat_minor": 4})


def test_tidy_leaves_what_every_execution_gives_alike() -> None:
    """One untidy notebook: the words are kept, all else is the course's."""
    result = new_output("execute_result", {"text/plain": "1"})
    result.execution_count, result["transient"] = 9, {"display_id": "a"}
    printed = (said("\rstep 1"), said("\rend\n"), DIAL, said("b\n"), result)
    untidy = notebook(
        words("\n# One\r\n\r\ntwo  \nthree\n\n", "same"),
        cell("x = 1\n", "same", execution_count=7),
        cell("  \n", "empty"),
        cell("x", "kept", *printed, metadata={"tags": ["live"], "a": 1}),
        words("", "empty too"),
    )
    before = copy.deepcopy(untidy)
    made = stored.tidy(untidy)
    assert untidy == before
    assert made.metadata == stored.METADATA and made.nbformat_minor == 5
    assert [(c.id, c.source, c.metadata) for c in made.cells] == [
        ("same", "# One\n\ntwo  \nthree", {}),
        ("cell-2", "x = 1", {}),
        ("kept", "x", {"tags": ["live"]}),
    ]
    assert [c.execution_count for c in made.cells[1:]] == [1, 2]
    text, last = made.cells[2].outputs
    assert text.text == "end\nb\n"
    assert last.execution_count == 2 and "transient" not in last
    assert stored.text_of(made).endswith("}\n")


TEXT = st.text("ab \n\r", max_size=9)
NAME = st.sampled_from(["cell-1", "cell-2", "cell-3", "a b", ""])
OUTPUT = st.one_of(TEXT.map(said), st.just(DIAL))
CODE = st.builds(
    lambda source, name, outputs: cell(source, name, *outputs),
    TEXT,
    NAME,
    st.lists(OUTPUT, max_size=4),
)


@given(st.lists(st.one_of(CODE, st.builds(words, TEXT, NAME)), max_size=4))
def test_tidy_done_twice_changes_nothing(cells: list[Any]) -> None:
    """The stored form of a stored form is itself, and valid."""
    once = stored.tidy(notebook(*cells))
    assert stored.tidy(once) == once
    again = nbformat.reads(stored.text_of(once), as_version=4)
    assert again == once


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (said("careful", "stderr"), "wrote to stderr: careful"),
        (new_output("error", ename="E", evalue=""), "stores an error"),
        (said("see\n/home/ann/mnist.npz"), "path of this machine: /home/ann"),
        (said("read C:/data/mnist.npz"), "path of this machine: read C:/"),
        (
            new_output("display_data", {"text/html": "<td>~/data</td>"}),
            "path of this machine: <td>~/data",
        ),
    ],
)
def test_noise_is_refused(output: Any, reason: str) -> None:
    """What differs between machines is named, with its cell."""
    with pytest.raises(stored.Refused, match=f"code cell 1.*{reason}"):
        stored.refuse_noise(notebook(cell("x", "a", output)))


def test_what_only_looks_like_a_path_is_no_noise() -> None:
    """A web address, a fraction and a relative path are fine."""
    text = "https://example.org/home/x 1/2 data/tmp/x.npz and/or a: b"
    stored.refuse_noise(notebook(cell("x", "a", said(text))))


# --- what an exporter makes of it


def test_a_notebook_exports_as_python() -> None:
    """`nbconvert --to script` makes a file that Python reads."""
    made = stored.tidy(notebook(cell("x = 1")))
    script, resources = ScriptExporter().from_notebook_node(made)
    assert resources["output_extension"] == ".py"
    ast.parse(script)


@pytest.mark.parametrize("template", ["lab", "classic"])
def test_a_picture_on_a_page_has_words(template: str) -> None:
    """An exported picture has its alt text, and below it a paragraph."""
    start = nbformat.read(START, as_version=4)
    pictured = [
        shown
        for shown in stored.code_cells(start)
        if any("image/png" in o.get("data", {}) for o in shown.outputs)
    ]
    alts = [
        output.metadata["image/png"]["alt"]
        for shown in pictured
        for output in shown.outputs
        if "image/png" in output.get("data", {})
    ]
    start.cells = pictured
    page, _ = HTMLExporter(template_name=template).from_notebook_node(start)
    images = BeautifulSoup(page, "html.parser").select("img[src^=data]")
    assert alts
    for image, alt in zip(images, alts, strict=True):
        after = image.find_next(["p", "img", "pre"])
        assert after.name == "p" and after.text == f"Figure: {alt}"
        # The default template knows no alt text: nbconvert writes its own.
        assert image["alt"] == alt or template == "lab"
