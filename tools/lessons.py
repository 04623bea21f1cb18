"""Execute lessons: `run` into build/, `refresh` in place.

Each notebook runs in a subprocess of its own (`one`), so that no lesson
inherits memory, and none can take the others down. The parent samples the
memory of that subprocess's children: the kernel and what it starts.
"""

import argparse
import base64
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ipykernel.kernelspec
import nbformat
import psutil
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from traitlets import Type

from helpers import runtime
from tools.choose import NoSuchLesson, choose, deeper, with_companions
from tools.stored import Refused, code_cells, refuse_noise, text_of, tidy

ROOT = Path(__file__).resolve().parent.parent
# The README shows a figure that a lesson made: its alt text begins so.
PICTURES = {
    "03_mnist_dcgan_training": (
        "[figure] Film strip",
        ROOT / "docs" / "film_strip.png",
    )
}
SAMPLE_SECONDS = 0.2
MEMORY = "Too little memory? Close other programs; try again."
HEAD = f"{'lesson':<32}{'cells':>6}{'seconds':>9}{'peak MB':>10}"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Channel(AsyncZMQSocketChannel):
    """Sends through the asyncio socket, not past it.

    A widget's output makes the client send while it waits for the reply.
    Sent past the socket (as Session.send does), a reply that has just come
    is not noticed, and the lesson waits for ever.
    """

    def send(self, msg: dict[str, Any]) -> None:
        parts = [*self.session.serialize(msg), *msg.get("buffers", [])]
        self.socket.send_multipart(parts)


class Client(AsyncKernelClient):
    """An AsyncKernelClient whose requests go over a Channel."""

    shell_channel_class = Type(Channel)


class ThisPython(AsyncKernelManager):
    """Starts kernels with the running interpreter.

    A kernelspec named python3 elsewhere on the machine may be any Python.
    """

    client_factory = Type(Client)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(**ipykernel.kernelspec.get_kernel_dict())


@dataclass
class Result:
    """What happened to a notebook; `trouble` is empty where all went well."""

    name: str
    cells: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0
    trouble: str = ""
    remedy: str = ""
    changed: bool = False


# --- One notebook, in its own process -----------------------------------


def execute(
    notebook: Any, folder: Path, begun: Callable[..., None] | None = None
) -> None:
    """Execute a notebook in place, in a new kernel.

    Args:
        notebook: the notebook; old outputs are dropped first.
        folder: the kernel's working directory.
        begun: called with cell and cell_index before each code cell.

    Raises:
        CellExecutionError: a cell raised; the outputs so far are kept.
        DeadKernelError: the kernel died.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        timeout=None,
        startup_timeout=120,
        kernel_manager_class=ThisPython,
        record_timing=False,
        on_cell_execute=begun,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()


def write(notebook: Any, target: Path) -> bool:
    """Write a notebook whole or not at all; True if the file changed."""
    return put(target, text_of(notebook).encode())


def put(target: Path, data: bytes) -> bool:
    """Write a file whole or not at all; True if it changed."""
    if target.exists() and target.read_bytes() == data:
        return False
    with runtime.replacing(target) as part:
        part.write_bytes(data)
    return True


def one(source: Path, target: Path, store: bool) -> Result:
    """Execute one notebook and write it.

    Args:
        source: the notebook.
        target: where the executed notebook goes; `source` itself may be it.
        store: tidy the result for the repository, write only a clean one.
    """
    notebook = nbformat.read(source, as_version=4)
    result = Result(source.stem, cells=len(code_cells(notebook)))
    begun: list[int] = []

    def place() -> str:
        return f"code cell {len(begun)} of {result.cells}"

    started = time.monotonic()
    try:
        execute(
            notebook,
            source.parent,
            lambda cell, cell_index: begun.append(cell_index),
        )
    except CellExecutionError as error:
        last = f"{error.ename}: {error.evalue}".strip().splitlines()[-1]
        result.trouble = f"{place()}: {ANSI.sub('', last)}"
    except DeadKernelError:
        result.trouble = f"{place()}: the kernel died"
        result.remedy = MEMORY
    except RuntimeError as error:
        result.trouble = f"the kernel did not start: {error}"
        result.remedy = "Run: python3 course.py doctor"
    result.seconds = time.monotonic() - started
    if store and not result.trouble:
        try:
            clean = tidy(notebook)
            refuse_noise(clean)
            result.changed = write(clean, target)
        except Refused as reason:
            result.trouble = f"not stored: {reason}"
            result.remedy = "Fix the cell; the file is as it was."
    elif not store:
        result.changed = write(notebook, target)
    return result


# --- All notebooks, in the parent ---------------------------------------


def picture(path: Path, begins: str) -> bytes:
    """Return the stored figure whose alt text begins like this, as PNG.

    Raises:
        LookupError: the notebook stores no such figure.
    """
    for cell in code_cells(nbformat.read(path, as_version=4)):
        for output in cell.outputs:
            data = output.get("data", {})
            if data.get("text/plain", "").startswith(begins):
                return base64.b64decode(data["image/png"])
    raise LookupError(f"{path.name} stores no figure {begins!r}.")


def memory(process: psutil.Process) -> float:
    """Return the resident memory of a process's descendants, in MB."""
    total = 0
    try:
        for child in process.children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.Error:
                continue
    except psutil.Error:
        pass
    return total / 1e6


def end_all(process: psutil.Process) -> None:
    """End a process and its descendants, kernels included."""
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    for member in family:
        try:
            member.terminate()
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(family, timeout=3)
    for member in alive:
        try:
            member.kill()
        except psutil.Error:
            continue


def spawn(source: Path, target: Path, store: bool) -> Result:
    """Execute one notebook in a subprocess and watch its memory."""
    command = [sys.executable, "-m", "tools.lessons", "one"]
    command += [str(source), str(target)] + ["--store"] * store
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    )
    process, peak = psutil.Process(child.pid), 0.0
    started = time.monotonic()
    try:
        while True:
            try:
                out, err = child.communicate(timeout=SAMPLE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, memory(process))
                tick(source.stem, time.monotonic() - started)
    finally:
        end_all(process)
        tick()
    try:
        result = Result(**json.loads(out.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):
        last = (err.strip().splitlines() or ["no message"])[-1]
        result = Result(source.stem, seconds=time.monotonic() - started)
        result.trouble = f"ended with status {child.returncode}: {last}"
        if child.returncode < 0:
            result.remedy = MEMORY
    result.megabytes = peak
    return result


def tick(name: str = "", seconds: float = 0.0) -> None:
    """Show on a terminal that a lesson runs; nothing elsewhere."""
    if sys.stdout.isatty():
        text = f"{name}: {seconds:.0f} s" if name else ""
        print(f"\r{text:<60}\r", end="", flush=True)


def row(result: Result) -> str:
    """Format one line of the table."""
    return (
        f"{result.name:<32}{result.cells:>6}{result.seconds:>9.1f}"
        f"{result.megabytes:>10.0f}  {'FAILED' if result.trouble else 'ok'}"
    )


def summary(results: list[Result], executed: Path | None) -> str:
    """Format each failure with its remedy, and at the end what to do.

    Args:
        results: one a notebook.
        executed: folder of the executed notebooks, if they were kept.

    Returns:
        Lines, the last of which holds a command; empty if all went well.
    """
    failed = [result for result in results if result.trouble]
    lines = []
    for result in failed:
        look = "Run: python3 course.py doctor"
        if executed:
            look = f"See {executed / result.name}.ipynb"
        lines.append(f"\n{result.name}: {result.trouble}")
        lines.append(f"  {result.remedy or look}")
    if failed:
        numbers = " ".join(sorted({result.name[:2] for result in failed}))
        task = "run" if executed else "refresh"
        lines.append(
            f"\n{len(failed)} of {len(results)} failed. Let python3 course.py "
            "doctor look at this machine, then try these alone: "
            f"python3 course.py {task} {numbers}"
        )
    return "\n".join(lines)


def run(numbers: list[str], build: Path = ROOT / "build") -> int:
    """Execute lessons into build/; the exit status."""
    paths = [
        notebook
        for path in choose(numbers)
        for notebook in (path, *deeper(path))
    ]
    build.mkdir(exist_ok=True)
    results = []
    print(HEAD, flush=True)
    for path in paths:
        results.append(spawn(path, build / path.name, store=False))
        print(row(results[-1]), flush=True)
    print(summary(results, build), flush=True)
    return 1 if any(result.trouble for result in results) else 0


def renew(path: Path) -> Result:
    """Execute a notebook, store it, and the README's picture from it."""
    result = spawn(path, path, store=True)
    if path.stem in PICTURES and not result.trouble:
        begins, target = PICTURES[path.stem]
        try:
            put(target, picture(path, begins))
        except LookupError as reason:
            result.trouble = f"the README's {target.name} is old: {reason}"
            result.remedy = "Correct PICTURES in tools/lessons.py."
    return result


def refresh(numbers: list[str]) -> int:
    """Execute lessons and what belongs to them and store it; exit status."""
    from helpers import data

    if data.source() == data.SMALL:
        print(
            f"refresh stores what the full MNIST shows, and found "
            f"{data.SMALL}.\nRun: python3 course.py data",
            file=sys.stderr,
        )
        return 1
    results = []
    print(HEAD, flush=True)
    for path in choose(numbers):
        for notebook in with_companions(path):
            results.append(renew(notebook))
            state = "stored" if results[-1].changed else "as it was"
            print(row(results[-1]), f" {state}", flush=True)
    print(summary(results, None))
    return 1 if any(result.trouble for result in results) else 0


def interrupt(number: int, frame: Any) -> None:
    """Turn the signal of `kill` into Ctrl-C, so that kernels end too."""
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Parse the command line and do it; the exit status."""
    parser = argparse.ArgumentParser(prog="tools.lessons")
    tasks = parser.add_subparsers(dest="task", required=True)
    for task in ("run", "refresh"):
        tasks.add_parser(task).add_argument("numbers", nargs="*")
    single = tasks.add_parser("one")
    single.add_argument("source", type=Path)
    single.add_argument("target", type=Path)
    single.add_argument("--store", action="store_true")
    options = parser.parse_args(arguments)
    try:
        if options.task == "one":
            result = one(options.source, options.target, options.store)
            print(json.dumps(asdict(result)))
            return 1 if result.trouble else 0
        signal.signal(signal.SIGTERM, interrupt)
        if options.task == "run":
            return run(options.numbers)
        return refresh(options.numbers)
    except NoSuchLesson as reason:
        print(reason, file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
