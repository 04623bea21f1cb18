"""What lesson 00 shows of the splits is what the data module has."""

from matplotlib import pyplot as plt

from helpers import data
from helpers.lessons import diagrams


def test_the_splits_drawn_are_those_of_the_small_file():
    fig = diagrams.splits()
    full, small = ([text.get_text() for text in ax.texts] for ax in fig.axes)
    plt.close(fig)
    assert full[:3] == ["train\n54,000", "validation\n6,000", "test\n10,000"]
    sizes = data.describe()["images"]
    drawn = [f"{name}\n{sizes[name]:,}" for name in ("train", "validation")]
    assert small == [*drawn, f"holdout, {sizes['holdout']:,}"]
