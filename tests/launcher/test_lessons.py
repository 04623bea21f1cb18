"""tools.lessons on small notebooks."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import (
    new_code_cell,
    new_markdown_cell,
    new_notebook,
    new_output,
)

from tools import lessons
from tools.stored import METADATA

ROOT = Path(__file__).resolve().parents[2]
PNG = base64.b64encode(b"new").decode()
LIVE = """
import sys, time
for step in range(50):
    print(f"\\rstep {step}", end="")
    sys.stdout.flush()
    time.sleep(0.01)
print("\\rdone   ")
"""
DISPLAYS = """
from IPython.display import clear_output, display
handle = display("first", display_id=True)
handle.update("last")
"""


def notebook(path: Path, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    """Write a notebook with these code cells."""
    cells = [
        new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)
    ]
    for cell in cells:
        cell.metadata = {"tags": list(tags), "x": 1} if tags else {"x": 1}
    cells.insert(0, new_markdown_cell("# Title ä", id="title"))
    made = new_notebook(cells=cells, metadata={"stray": 1})
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path


def outputs(path: Path) -> list[str]:
    """The text of each output, in order."""
    return [
        output.get("text") or output["data"]["text/plain"]
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def stored(path: Path) -> lessons.Result:
    return lessons.one(path, path, store=True)


def test_a_lesson_has_its_translations_beside_it(tmp_path):
    names = ["01_a", "deeper/01_b", "solutions/01_solutions", "zh/01_a"]
    names += ["zh/deeper/01_b", "zh/02_c"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.ipynb").touch()
    found = lessons.with_companions(tmp_path / "01_a.ipynb")
    assert {p.relative_to(tmp_path).as_posix()[:-6] for p in found} == {
        *names[:5]
    }


def test_choose(tmp_path):
    for name in ("03_c", "00_a", "01_b", "other"):
        (tmp_path / f"{name}.ipynb").touch()

    def names(*numbers: str) -> list[str]:
        return [p.stem for p in lessons.choose(list(numbers), tmp_path)]

    assert names() == ["00_a", "01_b", "03_c"]
    assert names("3", "00") == ["00_a", "03_c"]
    with pytest.raises(ValueError, match=r"no lesson 07.*00_a, 01_b, 03_c"):
        names("7", "0")


def test_a_lesson_runs_in_its_folder_and_its_memory_is_seen(tmp_path):
    source = notebook(
        tmp_path / "lessons" / "00_a.ipynb",
        "from pathlib import Path\nPath.cwd().name",
        "block = bytearray(b'x') * 300_000_000\nimport time; time.sleep(1)",
        "import sys; sys.executable",
    )
    before = source.read_bytes()
    result = lessons.spawn(source, tmp_path / "00_a.ipynb", store=False)
    assert (result.trouble, result.cells) == ("", 3)
    assert 1 < result.seconds < 60
    assert 300 < result.megabytes < 600
    assert source.read_bytes() == before
    assert outputs(tmp_path / "00_a.ipynb") == [
        "'lessons'",
        repr(sys.executable),
    ]


def test_a_widget_is_not_stored(tmp_path):
    source = (
        "from ipywidgets import IntSlider, interact\n"
        "dial = interact(lambda k: print(k), k=IntSlider(3))\n"
        "print('beside it')"
    )
    path = notebook(tmp_path / "00_a.ipynb", source)
    assert not stored(path).trouble
    assert outputs(path) == ["beside it\n"]


# Prints within a widget's output; the client is slow to answer each print,
# so that the reply to the cell comes meanwhile.
SLOW = """
import sys, time
from pathlib import Path
from nbclient.output_widget import OutputWidget
from tools import lessons
send = OutputWidget.send
OutputWidget.send = lambda *args: (time.sleep(0.3), send(*args))
source = Path(sys.argv[1])
print(lessons.one(source, source, store=False))
"""


def test_a_reply_beside_a_widgets_output_is_not_missed(tmp_path):
    source = "import ipywidgets\nwith ipywidgets.Output():\n    print(1)"
    path = notebook(tmp_path / "n.ipynb", source, source, source)
    done = subprocess.run(
        [sys.executable, "-c", SLOW, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "cells=3" in done.stdout and "trouble=''" in done.stdout


def test_a_refreshed_notebook_is_the_same_each_time(tmp_path):
    path = notebook(
        tmp_path / "00_a.ipynb",
        LIVE,
        DISPLAYS,
        "",
        "print('ä')\n1 + 1",
        tags=("nbval-ignore-output",),
    )
    assert stored(path).changed
    first = path.read_bytes()
    again = stored(path)
    assert not again.trouble and not again.changed
    assert path.read_bytes() == first
    assert outputs(path) == ["done   \n", "'last'", "ä\n", "2"]
    made = json.loads(first)
    assert made["metadata"] == METADATA
    code = [cell for cell in made["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3]
    assert code[2]["outputs"][1]["execution_count"] == 3
    assert {json.dumps(cell["metadata"]) for cell in code} == {
        '{"tags": ["nbval-ignore-output"]}'
    }
    assert made["cells"][0]["metadata"] == {}
    assert "ä".encode() in first and first.endswith(b"}\n")
    assert b'\n "cells": [' in first


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import sys; print('red', file=sys.stderr)", "stderr: red"),
        ("import warnings; warnings.warn('old')", "stderr"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_noise_is_not_stored(tmp_path, source, words):
    path = notebook(tmp_path / "00_a.ipynb", "1", source, "2")
    before = path.read_bytes()
    result = stored(path)
    assert words in result.trouble and "code cell 2" in result.trouble
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_that_a_tag_allows_is_not_stored(tmp_path):
    path = notebook(
        tmp_path / "00_a.ipynb", "1 / 0", tags=("raises-exception",)
    )
    assert "stores an error" in stored(path).trouble


def test_a_dead_kernel_is_a_sentence(tmp_path):
    path = notebook(
        tmp_path / "00_a.ipynb", "1", "import os; os._exit(9)", "2"
    )
    result = lessons.one(path, tmp_path / "out.ipynb", store=False)
    assert result.trouble == "code cell 2 of 3: the kernel died"
    assert "memory" in result.remedy


@pytest.mark.skipif(os.name == "nt", reason="Windows tells no signal")
def test_a_lesson_whose_process_is_killed_gets_its_remedy(
    tmp_path, monkeypatch
):
    path = notebook(tmp_path / "00_a.ipynb", "1")
    monkeypatch.setattr(lessons, "memory", lambda process: process.kill() or 0)
    result = lessons.spawn(path, tmp_path / "out.ipynb", store=False)
    assert result.trouble.startswith("ended with status -9")
    assert "memory" in lessons.summary([result], tmp_path)


@pytest.fixture
def course(tmp_path) -> Path:
    """A course of two lessons, the first broken."""
    shutil.copytree(
        ROOT / "tools",
        tmp_path / "tools",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    folder = tmp_path / "notebooks"
    notebook(folder / "00_bad.ipynb", "1", "raise ValueError('two\\nlines')")
    notebook(folder / "01_late.ipynb", "print('still')")
    notebook(folder / "solutions" / "00_solutions.ipynb", "1 / 0")
    return tmp_path


def start(course: Path, *arguments: str, **options: object):
    paths = os.pathsep.join(map(str, (course, ROOT)))
    environment = dict(os.environ, PYTHONPATH=paths)
    return subprocess.Popen(
        [sys.executable, "-m", "tools.lessons", *arguments],
        cwd=course,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        **options,
    )


def test_run_goes_on_after_a_failure(course):
    child = start(course, "run")
    said, complaints = child.communicate(timeout=120)
    assert child.returncode == 1, complaints
    table = said[said.index("peak MB") :]
    assert [line.split()[-1] for line in table.splitlines()[1:3]] == [
        "FAILED",
        "ok",
    ]
    assert "00_bad: code cell 2 of 2: lines" in said
    assert str(course / "build" / "00_bad.ipynb") in said
    assert said.splitlines()[-1].endswith("python3 course.py run 00")
    built = course / "build"
    assert sorted(path.name for path in built.iterdir()) == [
        "00_bad.ipynb",
        "01_late.ipynb",
    ]
    assert outputs(built / "01_late.ipynb") == ["still\n"]


def test_run_of_a_lesson_that_is_not_there(course):
    child = start(course, "run", "09")
    _, complaints = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "no lesson 09" in complaints and "00_bad" in complaints
    assert "Traceback" not in complaints


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize("terminal", [True, False])
def test_an_interrupt_ends_the_kernel(course, terminal):
    mark = course / "kernel"
    notebook(
        course / "notebooks" / "00_bad.ipynb",
        f"import os, time\nwith open({str(mark)!r}, 'w') as file:\n"
        "    file.write(str(os.getpid()))\ntime.sleep(600)",
    )
    child = start(course, "run", "00", start_new_session=True)
    give_up = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()):
        assert time.monotonic() < give_up and child.poll() is None
        time.sleep(0.1)
    kernel = int(mark.read_text())
    assert psutil.pid_exists(kernel)
    if terminal:
        os.killpg(child.pid, signal.SIGINT)
    else:
        child.terminate()  # as course.py does
    said, complaints = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "Traceback" not in said + complaints
    for _ in range(50):
        if not psutil.pid_exists(kernel):
            break
        time.sleep(0.1)
    assert not psutil.pid_exists(kernel)
    assert not list((course / "build").iterdir())


def test_refresh_needs_the_full_data(monkeypatch, capsys):
    from helpers import data

    monkeypatch.setattr(data, "source", lambda: data.SMALL)
    monkeypatch.setattr(lessons, "spawn", lambda *a, **k: pytest.fail("ran"))
    assert lessons.refresh([]) == 1
    assert "course.py data" in capsys.readouterr().err


def test_refresh_stores_what_belongs_to_a_lesson(
    tmp_path, monkeypatch, capsys
):
    from helpers import data

    lesson = notebook(tmp_path / "00_a.ipynb", "1")
    solution = notebook(tmp_path / "solutions" / "00_solutions.ipynb", "1")
    deeper = notebook(tmp_path / "deeper" / "00_noise.ipynb", "1")
    notebook(tmp_path / "deeper" / "01_noise.ipynb", "1")
    asked = []

    def spawn(source: Path, target: Path, store: bool) -> lessons.Result:
        asked.append((source, target, store))
        return lessons.Result(source.stem, changed=True)

    monkeypatch.setattr(data, "source", lambda: "data/mnist.npz")
    monkeypatch.setattr(lessons, "choose", lambda numbers: [lesson])
    monkeypatch.setattr(lessons, "spawn", spawn)
    assert lessons.refresh(["00"]) == 0
    assert asked == [(p, p, True) for p in (lesson, deeper, solution)]
    assert "stored" in capsys.readouterr().out


@pytest.fixture
def figured(tmp_path, monkeypatch) -> Path:
    """A course with one lesson whose figure the README shows, and solutions.

    To execute it gives the picture of `PNG`, and solutions that fail.
    """
    from helpers import data

    lesson = notebook(tmp_path / "00_a.ipynb", "show()")
    notebook(tmp_path / "solutions" / "00_solutions.ipynb", "1")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"old")

    def spawn(source: Path, target: Path, store: bool) -> lessons.Result:
        if source != lesson:
            return lessons.Result(source.stem, trouble="it failed")
        made = nbformat.read(source, 4)
        bundle = {"image/png": PNG, "text/plain": "[figure] A line"}
        made.cells[1].outputs = [new_output("display_data", data=bundle)]
        return lessons.Result(source.stem, changed=lessons.write(made, target))

    monkeypatch.setattr(data, "source", lambda: "data/mnist.npz")
    monkeypatch.setattr(lessons, "choose", lambda numbers: [lesson])
    monkeypatch.setattr(lessons, "spawn", spawn)
    pictures = {"00_a": ("[figure] A line", picture)}
    monkeypatch.setattr(lessons, "PICTURES", pictures)
    return tmp_path


def test_a_failed_solution_leaves_no_old_picture(figured):
    assert lessons.refresh([]) == 1
    assert (figured / "picture.png").read_bytes() == base64.b64decode(PNG)


def test_a_picture_is_written_whole_or_not_at_all(figured, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[:2])
        raise OSError("No space left on device")

    lessons.refresh([])
    (figured / "picture.png").write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        lessons.refresh([])
    assert (figured / "picture.png").read_bytes() == b"old"
    assert not list(figured.glob(".*"))


def test_a_picture_that_is_not_there_is_a_failure(
    figured, monkeypatch, capsys
):
    pictures = {"00_a": ("[figure] A circle", figured / "picture.png")}
    monkeypatch.setattr(lessons, "PICTURES", pictures)
    assert lessons.refresh([]) == 1
    said = capsys.readouterr().out
    assert "picture.png is old" in said and "[figure] A circle" in said


def test_only_a_wrong_number_is_a_bare_sentence(figured, monkeypatch):
    def breaks(*arguments: object, **options: object) -> None:
        raise ValueError("a fault of the course")

    monkeypatch.setattr(lessons, "spawn", breaks)
    with pytest.raises(ValueError, match="a fault of the course"):
        lessons.main(["refresh"])


def test_the_readme_shows_a_figure_that_a_lesson_stores():
    readme = (lessons.ROOT / "README.md").read_text(encoding="utf-8")
    for stem, (begins, target) in lessons.PICTURES.items():
        path = lessons.ROOT / "notebooks" / f"{stem}.ipynb"
        assert target.read_bytes() == lessons.picture(path, begins)
        assert f"]({target.relative_to(lessons.ROOT).as_posix()})" in readme
        with pytest.raises(LookupError, match="stores no figure"):
            lessons.picture(path, "[figure] Something else")
