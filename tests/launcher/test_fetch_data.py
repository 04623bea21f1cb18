"""tools.fetch_data against a server on this machine that misbehaves."""

import errno
import hashlib
import http.server
import json
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from helpers import data
from tools import fetch_data

SHORT = 0.3  # seconds of silence that the tests allow


class Server(http.server.BaseHTTPRequestHandler):
    """Answers each path with another kind of trouble."""

    good = b""
    stop = threading.Event()

    def do_GET(self) -> None:
        getattr(self, self.path.strip("/").replace("-", "_"))()

    def head(self, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def whole(self) -> None:
        self.head(len(self.good))
        self.wfile.write(self.good)

    def missing(self) -> None:
        self.send_error(404)

    def silent(self) -> None:
        self.stop.wait(5)

    def stalled(self) -> None:
        self.head(len(self.good))
        self.wfile.write(self.good[:100])
        self.wfile.flush()
        self.stop.wait(5)

    def cut(self) -> None:
        self.head(len(self.good))
        self.wfile.write(self.good[:100])

    def truncated(self) -> None:
        self.head(100)
        self.wfile.write(self.good[:100])

    def page(self) -> None:
        text = b"<html>Please log in to this wireless network</html>"
        self.head(len(text))
        self.wfile.write(text)

    def drip(self) -> None:
        self.head(len(self.good))
        self.slowly(self.good)

    def drip_head(self) -> None:
        self.slowly(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000)

    def slowly(self, text: bytes) -> None:
        for byte in text:
            if self.stop.wait(0.05):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.stop.is_set():
            self.wfile.write(b"x" * 10_000)

    def log_message(self, *arguments: object) -> None:
        pass


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, address: object) -> None:
        """The client hangs up in most tests; no traceback for that."""


def archive(path: Path, **arrays: np.ndarray) -> bytes:
    np.savez(path, **arrays)
    return path.read_bytes()


@pytest.fixture
def good(tmp_path, monkeypatch) -> bytes:
    """A small file that a small manifest describes."""
    x = np.arange(16, dtype=np.uint8).reshape(4, 2, 2)
    manifest = {
        "mnist.npz": {
            "arrays": {
                "x": {
                    "shape": [4, 2, 2],
                    "dtype": "uint8",
                    "sha256": hashlib.sha256(x).hexdigest(),
                }
            }
        }
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    monkeypatch.setattr(data, "MANIFEST", path)
    return archive(tmp_path / "good.npz", x=x)


@pytest.fixture
def server(good, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Server.good = good
    Server.stop = threading.Event()
    with Quiet(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(
            target=running.serve_forever, args=(0.05,), daemon=True
        )
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        Server.stop.set()
        running.shutdown()


@pytest.fixture
def target(tmp_path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "mnist.npz"


def refused(url: str, target: Path, limit: float = 20) -> str:
    """The sentence of a fetch that must fail and change nothing."""
    before = target.read_bytes() if target.exists() else None
    with pytest.raises(fetch_data.FetchError) as caught:
        fetch_data.fetch(url, target, timeout=SHORT, limit=limit)
    after = target.read_bytes() if target.exists() else None
    assert after == before
    left = {path.name for path in target.parent.iterdir()}
    assert left == ({target.name} if before is not None else set())
    return str(caught.value)


def test_a_good_file_is_put_in_place(server, target, good):
    said = fetch_data.fetch(f"{server}/whole", target, timeout=SHORT)
    assert target.read_bytes() == good
    assert "Fetched and verified" in said
    assert [path.name for path in target.parent.iterdir()] == ["mnist.npz"]


def test_a_good_file_is_kept(target, good):
    target.write_bytes(good)
    said = fetch_data.fetch("http://127.0.0.1:1/", target, timeout=SHORT)
    assert "already there and verified" in said


def test_a_damaged_file_is_replaced(server, target, good):
    target.write_bytes(b"damaged")
    fetch_data.fetch(f"{server}/whole", target, timeout=SHORT)
    assert target.read_bytes() == good


def test_a_damaged_file_is_replaced_only_by_a_good_one(server, target):
    target.write_bytes(b"damaged")
    assert "something else" in refused(f"{server}/page", target)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing", "answers 404"),
        ("silent", "server is silent"),
        ("stalled", "server is silent"),
        ("cut", "cut in the middle"),
        ("truncated", "something else than MNIST"),
        ("page", "something else than MNIST"),
    ],
)
def test_trouble_is_a_sentence(server, target, path, words):
    text = refused(f"{server}/{path}", target)
    assert words in text
    assert "COURSE_MNIST" in text  # the remedy
    assert ".npz-" not in text and "Traceback" not in text


@pytest.mark.parametrize("path", ["drip", "drip-head"])
def test_a_slow_server_ends_at_the_limit(server, target, path):
    started = time.monotonic()
    assert "too slow" in refused(f"{server}/{path}", target, limit=0.8)
    assert time.monotonic() - started < 3


def test_an_endless_file_is_cut(server, target, monkeypatch):
    monkeypatch.setattr(fetch_data, "MOST_BYTES", 200_000)
    assert "cut in the middle" in refused(f"{server}/endless", target)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 2, 2), np.uint8), "sha256"),
        (np.zeros((3, 2, 2), np.uint8), "(4, 2, 2)"),
        (np.zeros((4, 2, 2), np.float32), "uint8"),
    ],
)
def test_another_content_is_refused(server, target, tmp_path, array, words):
    Server.good = archive(tmp_path / "other.npz", x=array)
    text = refused(f"{server}/whole", target)
    assert "something else than MNIST" in text and words in text


def test_no_server(good, target, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = refused(f"http://127.0.0.1:{port}/mnist.npz", target)
    assert "no connection" in text


def test_no_network(good, target, monkeypatch):
    def look_up(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "name not known")

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert "no network" in refused("http://nowhere.invalid/x", target)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.EACCES, "No permission to write"),
        (errno.EROFS, "No permission to write"),
        (errno.ENOSPC, "No space left"),
    ],
)
def test_the_disk_refuses(server, target, monkeypatch, code, words):
    def replace(self: Path, other: Path) -> None:
        raise OSError(code, "refused", str(other))

    monkeypatch.setattr(Path, "replace", replace)
    assert words in refused(f"{server}/whole", target)


def test_main_says_it_and_fails(server, target, tmp_path, monkeypatch, capsys):
    manifest = tmp_path / "urls.json"
    monkeypatch.setattr(fetch_data, "MANIFEST", manifest)
    monkeypatch.setattr(fetch_data, "TARGET", target)
    manifest.write_text(
        json.dumps({"mnist.npz": {"url": f"{server}/missing"}})
    )
    assert fetch_data.main() == 1
    assert "404" in capsys.readouterr().err
    manifest.write_text(json.dumps({"mnist.npz": {"url": f"{server}/whole"}}))
    assert fetch_data.main() == 0
    assert "verified" in capsys.readouterr().out
