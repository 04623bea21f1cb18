"""Fetch the full MNIST file: verified first, then put in place at once.

Whatever goes wrong is a sentence with a remedy, and leaves the folder as it
was: the download goes to a temporary file beside the target.
"""

import errno
import http.client
import json
import queue
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from helpers import data, runtime

MANIFEST, TARGET = data.MANIFEST, data.FULL_FILE
CHUNK = 1 << 16
# No data set of the course is larger: a server that sends on and on is cut.
MOST_BYTES = 100_000_000
BY_HAND = (
    "Or get mnist.npz from a colleague and put it into data/, or name it "
    "with COURSE_MNIST."
)


class FetchError(Exception):
    """A sentence: what went wrong, and what to do."""


def fetch(
    url: str, target: Path, timeout: float = 10, limit: float = 300
) -> str:
    """Fetch a data file and put it in place once it is verified.

    Args:
        url: where from.
        target: where to; a good file there is kept, a damaged one is
            replaced only by a verified one.
        timeout: seconds that the server may be silent.
        limit: seconds that all of it may take.

    Returns:
        A sentence that says what is there now.

    Raises:
        FetchError: the file could not be had; nothing has changed.
    """
    if target.exists():
        try:
            data.verify(target)
        except data.DataError:
            print(f"{target} is damaged; fetching it again.")
        else:
            return f"{target} is already there and verified."
    part = target
    try:
        with runtime.replacing(target) as part:
            download(url, part, timeout, limit)
            data.verify(part)
    except data.DataError as error:
        reason = str(error).replace(str(part), "the fetched file")
        raise FetchError(
            f"{url} sent something else than MNIST. {BY_HAND}\n  ({reason})"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(sentence(error, url, target)) from error
    return f"Fetched and verified: {target}"


def download(url: str, part: Path, timeout: float, limit: float) -> None:
    """Write what a server sends to `part`, with a line of progress.

    Raises:
        OSError, http.client.HTTPException: see `sentence`.
    """
    deadline = time.monotonic() + limit
    with part.open("xb") as file:
        with opened(url, timeout, deadline) as response:
            total = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read1(CHUNK):
                file.write(chunk)
                if time.monotonic() > deadline:
                    raise SlowServer
                if file.tell() > MOST_BYTES:
                    raise http.client.HTTPException("it sends no end")
                progress(file.tell(), total)
        size = file.tell()
    progress()
    if size < total:
        raise http.client.IncompleteRead(b"", total - size)


class SlowServer(TimeoutError):
    """The server answers, but would take longer than the limit."""


def opened(url: str, timeout: float, deadline: float) -> Any:
    """Open a URL, and never wait longer than to the deadline.

    The timeout of urllib covers neither the look-up of a name nor a server
    that sends its headers byte by byte; so it waits in another thread.

    Raises:
        OSError, http.client.HTTPException: whatever urlopen raises.
        SlowServer: the deadline passed.
    """
    answer: queue.Queue[Any] = queue.Queue()

    def ask() -> None:
        try:
            answer.put(
                urllib.request.urlopen(url, timeout=timeout, context=trust())
            )
        except Exception as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    # Several addresses may be tried in turn, each with the timeout.
    patience = min(3 * timeout, deadline - time.monotonic())
    try:
        response = answer.get(timeout=max(0, patience))
    except queue.Empty:
        raise SlowServer from None
    if isinstance(response, Exception):
        raise response
    return response


def trust() -> ssl.SSLContext:
    """Trust the system's certificates and certifi's.

    Python from python.org has none on macOS until a script is run.
    """
    context = ssl.create_default_context()
    try:
        import certifi

        context.load_verify_locations(certifi.where())
    except (ImportError, OSError):
        pass
    return context


def progress(size: int = 0, total: int = 0) -> None:
    """Show how far it is, on a terminal; without arguments: clear."""
    if sys.stdout.isatty():
        text = f"  {size / 1e6:.1f} of {total / 1e6:.1f} MB" if size else ""
        print(f"\r{text:<40}\r", end="", flush=True)


def sentence(error: Exception, url: str, target: Path) -> str:
    """Say what an error means, and what to do."""
    again = f"Try again later. {BY_HAND}"
    reason = getattr(error, "reason", error)
    if isinstance(error, urllib.error.HTTPError):
        return f"{url}: the server answers {error.code} {reason}. {again}"
    if isinstance(reason, SlowServer):
        return f"{url}: the server is too slow. {again}"
    if isinstance(reason, TimeoutError):
        return f"{url}: the server is silent. {again}"
    if isinstance(reason, ssl.SSLError):
        return (
            f"{url}: no safe connection ({reason}). See that the clock is "
            f"right, and whether a proxy stands between. {BY_HAND}"
        )
    if isinstance(
        reason, http.client.HTTPException | ConnectionResetError
    ) and not isinstance(reason, http.client.RemoteDisconnected):
        return f"{url}: the connection was cut in the middle. {again}"
    if isinstance(reason, socket.gaierror):
        return f"{url}: no network, or no such server. {again}"
    code = getattr(reason, "errno", None)
    if isinstance(error, urllib.error.URLError | ConnectionError):
        return f"{url}: no connection ({reason}). {again}"
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"No permission to write to {target.parent}. Ask its owner, or "
            "put mnist.npz into a folder of your own and name it with "
            "COURSE_MNIST."
        )
    if code in (errno.ENOSPC, errno.EDQUOT):
        return f"No space left for {target}. Free 50 MB, and try again."
    return f"{target} cannot be written: {reason}. {BY_HAND}"


def main() -> int:
    """Fetch the file that the manifest names; the exit status."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    try:
        print(fetch(manifest["mnist.npz"]["url"], TARGET))
    except FetchError as reason:
        progress()
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
