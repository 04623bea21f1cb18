"""Which recipe draws good digits first? python -m studies.time_to_quality.

Recipes train one after another on the same machine and images. At fixed
seconds of training, 6,000 samples are judged against `validation`. The clock
holds tracing and steps, not imports, data or judging. After every
measurement the rows and the state of the run are on disk, so that the same
command goes on where it was interrupted.
"""

import argparse
import dataclasses
import hashlib
import inspect
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from helpers import data, metrics, runtime, training, views
from helpers.backend import tf
from helpers.lessons import dcgan
from studies import recipes
from studies.record import Record
from tools import tables
from tools.alone import alone

OUT = runtime.ROOT / "build" / "time_to_quality"
Z_SEED = 10_000  # of the samples; no run trains with it
MARKS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 40, 60, 90, 120, 180)
MARKS += (240, 300, 450, 600, 900, 1_200, 1_500, 1_800)
LEVELS = (200, 150, 100, 75, 50, 40, 30, 20, 15, 10)
AFTER = (5, 10, 30, 60, 120, 300)
# Recipe -> seconds of training; a recipe that counts epochs ignores them.
PROFILES = {
    "ci": {"seconds": 1, "seeds": 1},
    "lecture": {"seconds": 60, "seeds": 1},
    "full": {"seconds": 300, "seeds": 3},
}
COLUMNS = ["recipe", "seed", "step", "seconds", "images"]


class StaleError(RuntimeError):
    """The folder holds rows of another version of the recipes."""


def code_hash() -> str:
    """Return a hash of all code that decides what a row shows."""
    parts = [inspect.getsource(m) for m in (recipes, dcgan, training)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def processor() -> str:
    """Return the model of the processor, where the system tells it."""
    file = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows the name
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def about() -> dict[str, str]:
    """Describe what the rows were measured on."""
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()}, Python {platform.python_version()}",
        "versions": ", ".join(
            f"{name} {version(name)}" for name in ("keras", "numpy")
        )
        + f", tensorflow {tf.__version__}",
        "code": code_hash(),
    }


def marks_of(
    entry: recipes.Entry, n_train: int, seconds: float
) -> list[tuple[str, float]]:
    """Return when a recipe is measured: ("step" or "seconds", value)."""
    if entry.epochs:
        steps = -(-n_train // entry.recipe.batch_size)
        return [("step", steps * (k + 1)) for k in range(entry.epochs)]
    return [("seconds", mark) for mark in MARKS if mark <= seconds]


def train_until(
    gan: dcgan.Gan, x: np.ndarray, kind: str, value: float
) -> bool:
    """Train up to a mark; False if the user interrupted."""
    column = dcgan.Gan.COLUMNS.index(kind)

    def reached() -> bool:
        return bool(gan.history) and gan.history[-1][column] >= value

    def stop(_: dcgan.Gan) -> None:
        if reached():
            raise KeyboardInterrupt

    if not reached():
        training.fit(gan, x, sys.maxsize, stop)
    return reached()


def judged(
    gan: dcgan.Gan, entry: recipes.Entry, real: metrics.Judgement
) -> dict[str, float]:
    """Measure a run's average generator by the protocol of the course."""
    uniform = getattr(entry.take_step, "uniform", False)
    shape = (len(real.features), gan.recipe.latent_dim)
    z = recipes.draw_z(shape, (Z_SEED, 0), uniform)
    images = training.generate(gan.average, z)
    if entry.unit:
        images = np.clip(2 * images - 1, -1, 1)
    fake = metrics.judge(images)
    shares = metrics.class_shares(fake.probabilities)
    return {
        "fcd": metrics.frechet_distance(fake.features, real.features),
        "score": metrics.classifier_score(fake.probabilities),
        "rarest": shares.min(),
        "commonest": shares.max(),
    }


def measure(
    name: str,
    seed: int,
    seconds: float,
    x_train: np.ndarray,
    real: metrics.Judgement,
    state: Path,
    done: int = 0,
) -> Iterator[dict]:
    """Train one recipe with one seed; yield a row at each mark.

    Args:
        name: of the entry in `recipes.ENTRIES`.
        seed: of the run.
        seconds: of training; marks after them are left out.
        x_train: images (n, 28, 28, 1) in [-1, 1].
        real: the judgement of the reference.
        state: file of the run's state, written after each mark.
        done: marks that have a row already.

    Yields:
        Rows; fewer after an interrupt.
    """
    entry = recipes.ENTRIES[name]
    recipe = dataclasses.replace(entry.recipe, seed=seed)
    gan = entry.build(recipe)
    if done and state.exists():
        training.load_state(gan, state)
    else:
        done = 0
    gan.compiled = training.compile_step(gan, entry.take_step)
    x = (x_train + 1) / 2 if entry.unit else x_train
    for kind, value in marks_of(entry, len(x), seconds)[done:]:
        if not train_until(gan, x, kind, value):
            return
        training.save_state(gan, state)
        step, spent = gan.history[-1][:2]
        # The last batch of an epoch is smaller.
        epochs, k = divmod(int(step), -(-len(x) // recipe.batch_size))
        images = epochs * len(x) + k * recipe.batch_size
        row = (name, seed, int(step), spent, images)
        row = dict(zip(COLUMNS, row, strict=True))
        yield row | judged(gan, entry, real)


def read_record(out: Path) -> Record:
    """Return the record of a folder, an empty one where it is new.

    Raises:
        StaleError: its rows were measured with other code.
    """
    record = Record(out / "runs.json", about(), ("recipe", "seed", "step"))
    found = record.about["code"]
    if found != code_hash():
        raise StaleError(
            f"{out}: expected rows of this version of the recipes "
            f"({code_hash()}), found those of another ({found}). Name "
            "another folder with --out, or delete this one."
        )
    return record


def first_below(run: pd.DataFrame, level: float) -> float:
    """Return the seconds of the first row at or below an FCD, or inf."""
    below = run.loc[run["fcd"] <= level, "seconds"]
    return below.iloc[0] if len(below) else np.inf


def seconds_to(rows: pd.DataFrame, levels: tuple) -> pd.DataFrame:
    """Median seconds to FCD levels: a row a recipe, a column a level.

    Args:
        rows: as `measure` yields them.
        levels: of FCD.

    Returns:
        Seconds, inf where half of the seeds did not get there.
    """
    runs = rows.groupby(["recipe", "seed"], sort=False)
    table = pd.DataFrame(
        {
            level: runs.apply(lambda run, k=level: first_below(run, k))
            for level in levels
        }
    )
    return table.groupby("recipe", sort=False).median()


def titled(table: pd.DataFrame) -> str:
    """Write a table whose index are recipes as Markdown, with their titles."""
    table = table.rename(index=lambda name: recipes.ENTRIES[name].title)
    return tables.markdown(table.reset_index())


def fcd_after(rows: pd.DataFrame, marks: tuple) -> pd.DataFrame:
    """FCD after so many seconds: median over seeds, and their range.

    Args:
        rows: as `measure` yields them.
        marks: seconds.

    Returns:
        A row a recipe, a column a mark: "30.1 (28.0 to 33.2)", nothing where
        no row was measured within a tenth after the mark.
    """

    def text(group: pd.DataFrame, mark: float) -> str:
        near = group[group["seconds"].between(mark, 1.1 * mark)]
        fcd = near.groupby("seed")["fcd"].first()
        if not len(fcd):
            return ""
        if len(fcd) == 1:
            return f"{fcd.iloc[0]:.1f}"
        return f"{fcd.median():.1f} ({fcd.min():.1f} to {fcd.max():.1f})"

    groups = rows.groupby("recipe", sort=False)
    return pd.DataFrame(
        {
            str(mark): {name: text(group, mark) for name, group in groups}
            for mark in marks
        }
    )


def compare(rows: pd.DataFrame) -> str:
    """Set the recipes against the tutorial and the first light network.

    Args:
        rows: as `measure` yields them.

    Returns:
        Sentences, one a line, for the recipes that were run.
    """
    found = []
    ours = "course" if "course" in set(rows["recipe"]) else "momentum"
    runs = {
        name: [run for _, run in group.groupby("seed")]
        for name, group in rows.groupby("recipe")
    }
    if {ours, "tensorflow_tutorial"} <= set(runs):
        lowest = np.median(
            [run["fcd"].min() for run in runs["tensorflow_tutorial"]]
        )
        last = np.median(
            [run["seconds"].max() for run in runs["tensorflow_tutorial"]]
        )
        reached = [first_below(run, lowest) for run in runs[ours]]
        found.append(
            f"The tutorial's lowest FCD in ten epochs of {last:.0f} s is "
            f"{lowest:.1f}; the course's recipe is there after "
            f"{np.median(reached):.1f} s ({min(reached):.1f} to "
            f"{max(reached):.1f}), 1/{last / np.median(reached):.0f} of the "
            "time."
        )
    if {ours, "light"} <= set(runs):
        after = {}
        for name, mark in ((ours, 60), ("light", 300)):
            late = [run[run["seconds"] >= mark]["fcd"] for run in runs[name]]
            after[name] = np.median(
                [fcd.iloc[0] for fcd in late if len(fcd)] or [np.nan]
            )
        found.append(
            f"After 60 s the course's recipe has an FCD of "
            f"{after[ours]:.1f}; the first light network has "
            f"{after['light']:.1f} after 300 s."
        )
    return "\n".join(found)


def draw(rows: pd.DataFrame) -> Figure:
    """Draw FCD against seconds, both logarithmic; a line a recipe.

    Args:
        rows: as `measure` yields them.

    Returns:
        The figure; the line is the median over seeds, the band their range.
    """
    fig, ax = plt.subplots(figsize=(10, 5.5))
    markers = "osD^v"
    for (name, group), marker in zip(
        rows.groupby("recipe", sort=False), markers, strict=False
    ):
        # Rows of one mark have equal places within their run.
        group = group.assign(mark=group.groupby("seed").cumcount())
        marks = group.groupby("mark")
        seconds, fcd = marks["seconds"].median(), marks["fcd"]
        [line] = ax.plot(seconds, fcd.median(), marker=marker, ms=5)
        ax.fill_between(
            seconds, fcd.min(), fcd.max(), color=line.get_color(), alpha=0.2
        )
        ax.annotate(
            " " + recipes.ENTRIES[name].title,
            (seconds.iloc[-1], fcd.median().iloc[-1]),
            color=line.get_color(),
            va="center",
        )
    ax.set(xscale="log", yscale="log")
    ax.set_xlabel("seconds of training, tracing included")
    ax.set_ylabel("FCD, 6,000 samples v validation")
    ax.set_title("Seconds to quality on the same machine")
    # Room for the titles at the ends of the lines.
    ax.set_xlim(right=6 * rows["seconds"].max())
    return fig


def report(record: Record, out: Path) -> str:
    """Write tables and figure; return the text.

    Args:
        record: with rows as `measure` yields them.
        out: the folder.

    Returns:
        Markdown.
    """
    rows = pd.DataFrame(record.rows)
    runs = rows.groupby(["recipe", "seed"], sort=False)
    last = runs.last()
    speed = (1000 * last["seconds"] / last["step"]).groupby("recipe")
    reached = seconds_to(rows, LEVELS)
    reached.insert(0, "ms a step", speed.median())
    reached.index.name = "seconds to an FCD of"
    after = fcd_after(rows, AFTER)
    after.index.name = "FCD after seconds"
    last = last.reset_index("seed")
    for name in ("rarest", "commonest"):
        last[f"{name} digit, %"] = 100 * last.pop(name)
    last.index.name = "at the end"
    lines = [f"- {name}: {value}" for name, value in record.about.items()]
    parts = [
        "# Time to quality",
        "\n".join(lines),
        *map(titled, (reached, after, last)),
    ]
    text = "\n\n".join([*parts, compare(rows)])
    (out / "report.md").write_text(text + "\n", encoding="utf-8")
    fig = draw(rows)
    fig.savefig(
        out / "time_to_quality.png", dpi=views.DPI, metadata={"Software": None}
    )
    plt.close(fig)
    return text


def run(names: list[str], seeds: int, seconds: float, out: Path) -> bool:
    """Do the runs that are not in the folder yet.

    Args:
        names: of recipes.
        seeds: how many each.
        seconds: of training each.
        out: the folder of rows, states, tables and figure.

    Returns:
        False after an interrupt.

    Raises:
        StaleError: the folder holds rows of other code.
    """
    out.mkdir(parents=True, exist_ok=True)
    record = read_record(out)
    x_train, _ = data.load("train")
    real = metrics.judge(data.load("validation")[0])
    for seed in range(seeds):
        for name in names:
            marks = marks_of(recipes.ENTRIES[name], len(x_train), seconds)
            own = [r for r in record.rows if (name, seed) == record.key(r)[:2]]
            state = out / f"{name}_{seed}.npz"
            if 0 < len(own) < len(marks) and not state.exists():
                record.rows = [row for row in record.rows if row not in own]
                own = []
            done = len(own)
            for row in measure(
                name, seed, seconds, x_train, real, state, done
            ):
                done += 1
                record.add({k: short(v) for k, v in row.items()})
            if done < len(marks):
                return False
    print("\n" + report(record, out))
    return True


def short(value: str | float) -> str | float:
    """Return a number with five significant digits."""
    is_float = isinstance(value, float | np.floating)
    return float(f"{value:.5g}") if is_float else value


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = list(recipes.ENTRIES)
    parser.add_argument("--recipes", nargs="+", choices=known, default=known)
    parser.add_argument("--seconds", type=float, help="of training a run")
    parser.add_argument("--seeds", type=int, help="runs a recipe")
    parser.add_argument(
        "--profile",
        choices=sorted(PROFILES),
        default=runtime.PROFILE,
        help="sets seconds and seeds that are not given",
    )
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    plan = PROFILES[options.profile]
    seconds = options.seconds or plan["seconds"]
    seeds = options.seeds or plan["seeds"]
    # A mark keeps its state and its row.
    with alone(options.out), training.interrupts_noted():
        finished = run(options.recipes, seeds, seconds, options.out)
    if not finished:
        print("stopped; the same command goes on from here")
    return 0 if finished else 130


if __name__ == "__main__":
    sys.exit(main())
