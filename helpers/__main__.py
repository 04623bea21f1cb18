"""The one command line of the course: python -m helpers score FILE."""

import argparse
import json
import sys
import warnings

from helpers import checkpoints, data, scoring

READING = """\
fcd and kid are 0 for samples that are as good as real images, and so is
fcd_debiased, which leaves out the bias that comes with few images; score
runs from 1 to 10; precision, recall and coverage from 0 to 1; density is
near 1 for real images; rarest is the share of the rarest digit. Lesson 04
explains them all. Compare files of equal numbers of images alone; 5,000
images take half a minute."""
ERRORS = (scoring.SampleError, data.DataError, checkpoints.CheckpointError)


def main(arguments: list[str] | None = None) -> int:
    """Score a file and print a table, or JSON.

    Args:
        arguments: of the command line; those of this process by default.

    Returns:
        The exit status: 0, or 2 if the file cannot be scored, or the real
        digits or the judge cannot be read.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers")
    tasks = parser.add_subparsers(dest="task", required=True)
    task = tasks.add_parser(
        "score",
        help="compare a file of samples with real digits",
        epilog=READING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    task.add_argument("file", metavar="FILE", help=scoring.FORMS)
    task.add_argument("--json", action="store_true", help="print JSON")
    task.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("BLACK", "WHITE"),
        help="the numbers that stand for black and white",
    )
    given = parser.parse_args(arguments)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            report = scoring.score_file(given.file, given.range)
    except ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for text in sorted({str(warning.message) for warning in told}):
        print(f"warning: {text}", file=sys.stderr)
    if given.json:
        scores = {k: v._asdict() for k, v in report.scores.items()}
        print(json.dumps(report._asdict() | {"scores": scores}, indent=2))
        return 0
    print(
        f"{report.scored:,} of {report.found:,} images in {report.file} "
        f"against {report.scored:,} of holdout; intervals of 95 %"
    )
    print(report.table().round(3).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
