"""A project as small as can be, which the launcher really sets up."""

import json
import os
import shutil
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import launcher

FILES = ["course.py", "tools/__init__.py"]
FILES += ["helpers/__init__.py", "helpers/settings.py"]
FILES += ["tools/alone.py", "tools/choose.py", "tools/environment.py"]
FILES += ["tools/launcher.py"]
BACKEND = """
import shutil

def get_requires_for_build_editable(settings=None):
    return []

def build_editable(folder, settings=None, metadata=None):
    shutil.copy("mini-1.0-py3-none-any.whl", folder)
    return "mini-1.0-py3-none-any.whl"
"""
PYPROJECT = """
build-system = {requires=[], build-backend="backend", backend-path=["."]}
project = {name="mini", version="1.0"}
"""
DOCTOR = """
import importlib.metadata as metadata
print("toy", metadata.version("toy"), "mini", metadata.version("mini"))
"""


def wheel(folder: Path, name: str, version: str) -> None:
    """Make a wheel by hand, of nothing but its metadata."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(
        folder / f"{name}-{version}-py3-none-any.whl", "w"
    ) as made:
        made.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        )
        made.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n",
        )
        made.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n")


@pytest.fixture(scope="session")
def outer_python() -> str:
    """A Python that has pip: .venv's own has none."""
    try:
        return launcher.pip_python()
    except SystemExit as reason:
        pytest.skip(str(reason))


class Mini:
    """A project with a lock of one package, and its launcher."""

    def __init__(self, root: Path, python: str) -> None:
        self.root, self.python = root, python
        self.venv, self.wheels = root / ".venv", root / "my wheels"
        self.wheels.mkdir(parents=True)
        for name in FILES:
            (root / name).parent.mkdir(exist_ok=True)
            shutil.copy(launcher.ROOT / name, root / name)
        # A small /tmp must not fail these tests.
        self.edit(**{"DISK_GB = 5": "DISK_GB = 0", "GRACE = 5": "GRACE = 1"})
        (root / "pyproject.toml").write_text(PYPROJECT)
        (root / "backend.py").write_text(BACKEND)
        wheel(root, "mini", "1.0")
        self.offer("toy")
        self.doctor()
        self.lock("1.0")

    def offer(self, name: str) -> None:
        """Lay versions 1.0 and 2.0 of a package into the folder of wheels."""
        wheel(self.wheels, name, "1.0")
        wheel(self.wheels, name, "2.0")

    def edit(self, **changes: str) -> None:
        """Change the launcher."""
        path = self.root / "tools" / "launcher.py"
        text = path.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def doctor(self, source: str = DOCTOR) -> None:
        """Let the task `doctor` be this."""
        (self.root / "tools" / "doctor.py").write_text(source)

    def lock(self, version: str) -> None:
        """Ask for a version of toy; only 1.0 and 2.0 exist."""
        (self.root / "requirements.txt").write_text(f"toy=={version}\n")

    def stamp(self) -> dict[str, str]:
        """What the stamp of its .venv says."""
        return json.loads((self.venv / "course.json").read_text())

    def start(
        self, *arguments: str, folder: Path | None = None, **settings: str
    ) -> subprocess.Popen:
        """Start course.py as a user would."""
        ours = ("PYTHON", "PIP_", "COURSE_", "VIRTUAL_ENV")
        user = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        user |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
        user |= {"PIP_FIND_LINKS": "my wheels"} | settings
        return subprocess.Popen(
            [self.python, self.root / "course.py", *(arguments or ["doctor"])],
            cwd=folder or self.root,
            env=user,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, *arguments: str, **options: object) -> tuple[int, str, str]:
        """Status, stdout and stderr of course.py, which speaks sentences."""
        child = self.start(*arguments, **options)
        out, err = child.communicate(timeout=120)
        assert "Traceback" not in out + err
        return child.returncode, out, err


def index(port: int) -> dict[str, str]:
    """Let pip look at an index on this machine."""
    address = f"http://127.0.0.1:{port}/simple"
    settings = {"PIP_INDEX_URL": address, "no_proxy": "127.0.0.1"}
    settings |= {"PIP_RETRIES": "1", "PIP_NO_INDEX": "0"}
    return settings | {"PIP_FIND_LINKS": ""}


@pytest.fixture
def silent() -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """An index that says nothing, and the settings that name it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server, index(server.getsockname()[1])


@pytest.fixture
def mini(tmp_path, outer_python) -> Mini:
    """A new project."""
    return Mini(tmp_path / "mini", outer_python)


@pytest.fixture(scope="module")
def ready(tmp_path_factory, outer_python) -> Mini:
    """A project that was set up from a folder of wheels; tests leave it whole.

    The first call found no index, so the second met a half-made .venv.
    """
    mini = Mini(tmp_path_factory.mktemp("a course") / "mini[1]", outer_python)
    mini.refused = mini.run(**index(9))
    assert mini.stamp() == {}
    (mini.venv / "rubbish").touch()
    status, out, err = mini.run()
    assert (status, out) == (0, "toy 1.0 mini 1.0\n"), err
    assert err.startswith("Setting up .venv, once") and "Set up in" in err
    return mini
