"""Lessons in JupyterLab, as `course.py lab` starts it, in a real browser."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The launcher's own task, on a copy of the course: nobody's my/ is touched.
START = """
import sys
from pathlib import Path
from tools import launcher
launcher.ROOT = Path(sys.argv[1])
launcher.BUILD = launcher.ROOT / "build"
sys.exit(launcher.run_lab(sys.argv[2].split(), sys.argv[3:]))
"""
IDLE = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  return panel?.content?.widgets?.length > 0 && kernel?.status === "idle";
}"""
RUN = "void jupyterapp.commands.execute('notebook:run-cell')"  # do not wait
CELLS = "jupyterapp.shell.currentWidget.content.widgets"
STATE = f"""{CELLS}.filter(w => w.model.type === "code").map(w => [
  w.model.executionCount,
  w.model.outputs.toJSON().some(o => o.output_type === "error")])"""


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A copy of the course for JupyterLab to start in."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("tools", "notebooks", "docs", "data"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@contextmanager
def started(app: str, *command: str) -> Iterator[str]:
    """Start a server with short runs; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    options = ["--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    options += ["--IdentityProvider.token=", "--ServerApp.port_retries=0"]
    options += [f"--{app}.expose_app_in_browser=True"]
    server = subprocess.Popen(
        [sys.executable, *command, *options],
        cwd=ROOT,
        env=os.environ | {"COURSE_PROFILE": "ci"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            time.sleep(0.5)
            try:
                json.load(urlopen(f"{address}/api"))
                break
            except OSError:
                assert server.poll() is None, "the server ended"
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


@pytest.fixture(scope="module")
def server(course) -> Iterator[str]:
    """Address of JupyterLab as the launcher starts it on a projector."""
    command = ("-c", START, str(course), "--projector")
    with started("LabApp", *command) as address:
        yield address


@pytest.fixture
def lesson(chromium, server):
    """Open a lesson on a projector; a function of its path."""
    opened = []

    def open_lesson(path: str):
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(120_000)
        opened.append(page)
        page.goto(f"{server}/doc/tree/my/{path}.ipynb")
        page.wait_for_function(IDLE)
        return page

    yield open_lesson
    for page in opened:
        # Nothing may be left to run beside the next test.
        page.evaluate(
            "jupyterapp.shell.currentWidget.sessionContext.shutdown()"
        )
        page.close()


def run_all(page) -> None:
    """Run every cell; each must have run, and none may have failed."""
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.wait_for_function(IDLE)
    state = page.evaluate(STATE)
    assert len(state) > 5 and all(n and not error for n, error in state), state


def run_up_to(page, word: str) -> int:
    """Run the cells above the first code cell with this word; its place."""
    at = page.evaluate(
        f"{CELLS}.findIndex(w => w.model.type === 'code' && "
        f"w.model.sharedModel.source.includes({json.dumps(word)}))"
    )
    assert at > 0, word
    page.evaluate(
        f"jupyterapp.shell.currentWidget.content.activeCellIndex = {at}"
    )
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-above')")
    page.wait_for_function(IDLE)
    return at


def reveal(page, at: int) -> None:
    """Scroll to a cell, which JupyterLab draws only then."""
    page.evaluate(
        f"jupyterapp.shell.currentWidget.content.scrollToItem({at}, 'start')"
    )
    page.wait_for_timeout(500)


@pytest.mark.parametrize("path", ["00_start_here", "03_mnist_dcgan_training"])
def test_a_lesson_runs_whole(lesson, path):
    run_all(lesson(path))


def test_type_is_large_and_no_code_is_clipped(lesson):
    page = lesson("03_mnist_dcgan_training")
    sizes = page.evaluate(
        "['.jp-RenderedMarkdown p', '.cm-content'].map(s => parseFloat("
        "getComputedStyle(document.querySelector(s)).fontSize))"
    )
    assert min(sizes) >= 17
    for at in range(page.evaluate(f"{CELLS}.length")):
        reveal(page, at)
        clipped = page.evaluate(
            f"(e => e ? e.scrollWidth - e.clientWidth : 0)"
            f"({CELLS}[{at}].node.querySelector('.cm-scroller'))"
        )
        assert clipped <= 1, f"cell {at}: {clipped} pixels are hidden"


def test_every_figure_has_its_words_beside_it(lesson):
    page = lesson("00_start_here")
    run_all(page)
    found = page.evaluate(
        f"""{CELLS}.filter(w => w.model.type === "code").flatMap(w => {{
          const all = w.model.outputs.toJSON();
          return all.flatMap((o, k) => o.data && o.data["image/png"]
            ? [[o.data["text/plain"], all[k + 1]?.data["text/html"]]] : []);
        }})"""
    )
    assert len(found) >= 4
    for alt, caption in found:
        words = re.sub(r"^\[figure\] ", "", alt)
        assert f"Figure: {words}" in caption.replace("&amp;", "&")


def test_training_moves_in_place_stops_and_goes_on(lesson):
    page = lesson("03_mnist_dcgan_training")
    at = run_up_to(page, "views.train_live(")
    # A class's length of the run; all else is as in the lesson.
    page.evaluate(
        "jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({code: 'n_steps, film = 100_000, ((), {})'}).done"
    )
    cell = f"{CELLS}[{at}]"
    reveal(page, at)
    page.evaluate(RUN)
    source = f"{cell}.node.querySelector('.jp-RenderedImage img')?.src"
    page.wait_for_function(source)
    seen = {page.evaluate(source)}
    for _ in range(2):
        page.wait_for_function(f"!{json.dumps(list(seen))}.includes({source})")
        seen.add(page.evaluate(source))
    assert len(seen) == 3
    count = f"{cell}.model.outputs.length"
    assert page.evaluate(count) == 2  # a picture and its words, no more
    box = page.evaluate(
        f"(r => [r.top, r.bottom, r.height])({cell}.node"
        ".querySelector('.jp-RenderedImage img').getBoundingClientRect())"
    )
    assert box[2] < 620, "the live figure is taller than the screen"
    page.evaluate("jupyterapp.commands.execute('notebook:interrupt-kernel')")
    page.wait_for_function(IDLE)
    text = f"JSON.stringify({cell}.model.outputs.toJSON())"
    said = page.evaluate(text)
    stopped = re.search(r"stopped after step ([\d,]+)", said)
    assert stopped and '"error"' not in said, said[-300:]
    step = int(stopped[1].replace(",", ""))
    page.evaluate(
        f"{cell}.model.sharedModel.setSource('views.train_live(gan, x_train,"
        f" {step + 20}, z_fixed, step=plain_step)')"
    )
    page.evaluate(RUN)
    page.wait_for_function(f"{text}.includes('finished: {step + 20:,} steps')")


def test_a_number_is_moved_by_keyboard(lesson):
    page = lesson("deeper/01_optimal_transport")
    at = run_up_to(page, "interact(")
    reveal(page, at)
    page.evaluate(RUN)
    box = page.get_by_label("shift", exact=True)
    box.focus()
    picture = page.locator(".jp-OutputArea .jp-RenderedImage img").last
    before = picture.get_attribute("src")
    page.keyboard.press("ArrowUp")
    page.wait_for_function(
        "before => [...document.querySelectorAll('.jp-RenderedImage img')]"
        ".at(-1).src !== before",
        arg=before,
    )
    assert box.input_value() == "0.75"


def test_the_dial_turns_by_keyboard(lesson):
    page = lesson("06_conditional_generation")
    at = run_up_to(page, "dial.Dial(")
    reveal(page, at)
    page.evaluate(RUN)
    picture = page.locator(".widget-image")
    before = picture.get_attribute("src")
    digit = page.get_by_label("digit", exact=True)
    digit.focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function(
        "before => document.querySelector('.widget-image').src !== before",
        arg=before,
    )
    assert digit.input_value() == "1"


def test_a_choice_is_made_by_keys(lesson):
    page = lesson("deeper/04_asking_people")
    at = run_up_to(page, "choice.widget()")
    reveal(page, at)
    page.evaluate(RUN)
    field, status = (
        page.get_by_label("keys", exact=True),
        page.get_by_role("status"),
    )
    field.click()
    page.keyboard.type("lrru", delay=50)
    status.get_by_text("2 of 40 answered").wait_for()
    page.get_by_role("button", name="left is real").focus()
    page.keyboard.press("Enter")
    status.get_by_text("3 of 40 answered").wait_for()


def test_notebook_7_runs_a_lesson(chromium, course, server):
    folder = f"--ServerApp.root_dir={course}"
    with started("JupyterNotebookApp", "-m", "notebook", folder) as address:
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(120_000)
        page.goto(f"{address}/notebooks/my/00_start_here.ipynb")
        page.wait_for_function(IDLE)
        run_all(page)
        page.close()
