"""The launcher of the course: python3 course.py TASK.

Any Python must be able to read this file, 2.7 and 3.4 too, so that a wrong
one gets a sentence and not a SyntaxError: ASCII, no f-strings, no
annotations. The work is done by tools/launcher.py, in modern Python.
"""
# ruff: noqa: PTH100, PTH120

import os
import subprocess
import sys

PYTHONS = ((3, 13), (3, 12), (3, 11))


def right_python():
    """Return a command of this machine that starts a right Python, or ''."""
    question = ["-c", "import sys; print(sys.version_info[:2])"]
    for version in PYTHONS:
        number = ".".join(map(str, version))
        for command in (["python" + number], ["py", "-" + number]):
            # A name on PATH may be an empty shim, so it is tried.
            try:
                child = subprocess.Popen(
                    command + question,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                answer = child.communicate()[0].decode("ascii", "replace")
            except (OSError, ValueError):
                continue
            if answer.strip() == str(version):
                return " ".join(command)
    return ""


def wrong_python(version, right, arguments):
    """Return the sentence for a Python that the course cannot use."""
    text = "The course needs Python 3.11, 3.12 or 3.13; this is Python "
    text += ".".join(map(str, version)) + ".\n"
    if right:
        return text + "Use this: {} {}".format(right, " ".join(arguments))
    return text + (
        "Install Python 3.12 beside it (from python.org, or with your "
        "system's package manager) and start the course with that one."
    )


if sys.version_info[:2] not in PYTHONS:
    sys.exit(wrong_python(sys.version_info[:2], right_python(), sys.argv))

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from tools.launcher import main

    sys.exit(main(sys.argv[1:]))
