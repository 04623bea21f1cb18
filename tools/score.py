"""The one command line of the course: python3 course.py score FILE."""

import argparse
import io
import json
import os
import sys
import warnings
from typing import Any

READING = """\
fcd and kid are 0 for samples that are as good as real images, and so is
fcd_debiased, which leaves out the bias that comes with few images; score
runs from 1 to 10; precision, recall and coverage from 0 to 1; density is
near 1 for real images; rarest is the share of the rarest digit.
Real digits against real digits: fcd about 2 with 5,000 images and more with
fewer, kid and fcd_debiased near 0, so that they may be negative, score 9.8,
precision 0.88, recall 0.86. Blurred images and noise can have a precision of
1: read it beside recall and coverage. Lesson 04 explains them all. Compare
files of equal numbers of images alone; 5,000 images take half a minute."""


def _spaced(argument: str) -> str:
    """Keep argparse from taking -1. or -1e0 for an option."""
    try:
        float(argument)
    except ValueError:
        return argument
    return f" {argument}" if argument.startswith("-") else argument


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python3 course.py")
    tasks = parser.add_subparsers(dest="task", required=True)
    task = tasks.add_parser(
        "score",
        help="compare a file of samples with real digits",
        epilog=READING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    task.add_argument(
        "file",
        metavar="FILE",
        help="an .npy or .npz file, or a folder of PNGs",
    )
    task.add_argument("--json", action="store_true", help="print JSON")
    task.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("BLACK", "WHITE"),
        help="the numbers that stand for black and white, such as 0 1, or "
        "255 0 for black digits on white",
    )
    task.add_argument(
        "--key", metavar="NAME", help="which array of an .npz file"
    )
    return parser.parse_args([_spaced(argument) for argument in arguments])


def _text(report: Any, as_json: bool) -> str:
    """Write a `scoring.Report` as a table or as JSON."""
    from helpers import metrics
    from helpers.lessons.pictures import listed

    if as_json:
        scores = {k: v._asdict() for k, v in report.scores.items()}
        content = report._asdict() | {"scores": scores}
        content["intervals_too_wide"] = metrics.WIDE
        return json.dumps(content, indent=2)
    aside = ""
    if report.aside:
        n, names = len(report.aside), listed(report.aside)
        aside = f"\n{n:,} left aside, no PNG files: {names}"
    return (
        f"{report.scored:,} of {report.found:,} images in {report.file} "
        f"against {report.scored:,} of holdout; intervals of 95 %{aside}\n"
        f"Protocol {report.protocol['name']} (docs/benchmark.md)\n"
        f"{report.table().round(3).to_string()}\n"
        f"The intervals of {' and '.join(metrics.WIDE)} are too wide, up to "
        "twice."
    )


def _print(text: str) -> int:
    """Print what has been computed, whatever becomes of the output."""
    try:
        print(text, flush=True)
    except OSError as error:
        # Python would try again to write what is left, at its very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(f"error: {error}; the output is\n{text}", file=sys.stderr)
            return 2
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Score a file and print a table, or JSON.

    Args:
        arguments: of the command line; those of this process by default.

    Returns:
        The exit status: 0, or 2 if the file cannot be scored, the real
        digits or the judge cannot be read, or the output cannot be written.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = _parse(sys.argv[1:] if arguments is None else arguments)
    # Only now: they start TensorFlow, for which --help need not wait.
    from helpers import checkpoints, data
    from helpers.lessons import samples, scoring

    errors = samples.SampleError, data.DataError, checkpoints.CheckpointError
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            report = scoring.score_file(given.file, given.range, given.key)
    except errors as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for text in sorted({str(warning.message) for warning in told}):
        print(f"warning: {text}", file=sys.stderr)
    return _print(_text(report, given.json))


if __name__ == "__main__":
    sys.exit(main())
