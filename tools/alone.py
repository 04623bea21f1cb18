"""One run at a time of what keeps a record and goes on from it."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

BEHIND = 1_000  # Windows lets nobody read what it locks: a byte further on


@contextlib.contextmanager
def alone(record: Path) -> Iterator[TextIO]:
    """Keep other runs away from a record; the lock ends with the process.

    Args:
        record: the file, or the folder, that the run reads and writes.

    Yields:
        The open lock; it lasts until every process that has it open ends.

    Raises:
        SystemExit: another run has it.
    """
    record.parent.mkdir(parents=True, exist_ok=True)
    lock = record.with_name(f".{record.name}.lock")
    with lock.open("a+", encoding="utf-8") as file:
        if not locked(file):
            file.seek(0)
            raise SystemExit(
                f"Another run (process {file.read() or 'unknown'}) writes "
                f"{record}.\nWait until it has finished, then try again."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file


def locked(file: TextIO) -> bool:
    """Lock an open file; False where another process holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(BEHIND)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network disks know no locks: then go on without one.
        return error.errno not in (
            errno.EAGAIN,
            errno.EACCES,
            errno.EDEADLK,
        )
    return True
