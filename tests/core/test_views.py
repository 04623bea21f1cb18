"""Figures carry a text, are never empty, and the live view stops gently."""

import base64

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import training, views
from helpers.lessons import dcgan

ALT = "A line that rises from zero to one"
RECIPE = dcgan.Recipe(seed=0, latent_dim=4, width=8, d_width=8, batch_size=8)


class Screen:
    """Stands for the notebook: keeps what was displayed and updated."""

    def __init__(self):
        self.shown, self.updates = [], 0

    def display(self, bundle, **options):
        self.shown.append((bundle, options))
        return self

    def update(self, bundle, **options):
        self.updates += 1
        self.shown.append((bundle, options))


@pytest.fixture
def screen(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(views, "display", screen.display)
    return screen


def test_show_stores_picture_text_and_alt(screen):
    fig, ax = plt.subplots()
    ax.plot([0, 1])
    views.show(fig, ALT)
    bundle, options = screen.shown[0]
    assert bundle["text/plain"] == f"[figure] {ALT}"
    assert options["metadata"]["image/png"]["alt"] == ALT
    png = base64.b64decode(bundle["image/png"])
    assert png.startswith(b"\x89PNG") and b"Software" not in png
    assert not plt.fignum_exists(fig.number), "a closed figure shows once"


def test_a_text_that_everybody_can_read_stands_below_a_figure(screen):
    fig, ax = plt.subplots()
    ax.plot([0, 1])
    views.show(fig, "A line that rises while x < 1 & never falls")
    (_, caption) = [bundle for bundle, _ in screen.shown]
    words = "Figure: A line that rises while x &lt; 1 &amp; never falls"
    assert list(caption) == ["text/html"]
    assert words in caption["text/html"]
    assert "hidden" not in caption["text/html"]


def test_an_empty_figure_or_a_poor_text_is_refused(screen):
    fig, ax = plt.subplots()
    with pytest.raises(AssertionError, match="empty"):
        views.show(fig, ALT)
    ax.plot([0, 1])
    for alt in ("a plot", "x" * 301):
        with pytest.raises(ValueError, match="15 to 300"):
            views.show(fig, alt)
    assert not screen.shown
    plt.close("all")


def test_tiles_lie_in_reading_order():
    grey = np.linspace(-1, 1, 6, dtype="float32")
    images = np.ones((6, 28, 28, 1), "float32") * grey[:, None, None, None]
    picture = views.tile(images[:5], 3)
    assert picture.shape == (56, 84)
    assert np.allclose(picture[::28, ::28][0], grey[:3])
    assert np.allclose(picture[28::28, ::28][0], [*grey[3:5], -1])


def test_the_grey_scale_of_a_grid_is_fixed(tmp_path):
    dim = np.full((10, 28, 28, 1), -0.5, "float32")
    fig = views.image_grid({"dim": dim}, "Dim")
    image = fig.axes[0].images[0]
    assert image.get_clim() == (-1, 1)
    fig.savefig(tmp_path / "dim.png")
    plt.close(fig)
    assert matplotlib.image.imread(tmp_path / "dim.png").size


def test_labels_stand_above_the_first_row_alone():
    dim = np.full((10, 28, 28, 1), -0.5, "float32")
    fig = views.image_grid({"a": dim, "b": dim}, "Dim", above=range(10))
    first, second = fig.axes
    texts = [text.get_text() for text in first.get_xticklabels()]
    assert texts == [str(k) for k in range(10)]
    assert np.allclose(first.get_xticks(), 28 * np.arange(10) + 13.5)
    assert not second.get_xticklabels()
    plt.close(fig)


def of_history(rows):
    gan = dcgan.build_gan(RECIPE)
    gan.history.extend(rows)
    return gan


def test_a_step_that_tells_less_shows_less():
    nan = float("nan")
    rows = [(k, k / 10, 1.4, 0.7, nan, nan) for k in range(1, 31)]
    rows[10] = (11, 1.1, nan, 0.7, nan, nan)
    fig = views.training_curves({"": of_history(rows)}, "Level")
    left, right = fig.axes
    assert np.allclose(left.lines[0].get_ydata(), 1.4)
    assert len(left.lines[0].get_ydata()) == 29
    assert not right.get_visible()
    plt.close(fig)


def test_curves_show_every_column():
    history = [(k, k / 10, 1.4, 0.7, 0.6, 0.4) for k in range(1, 31)]
    fig = views.training_curves({"": of_history(history)}, "Level")
    left, right = fig.axes
    assert np.allclose(left.lines[0].get_ydata(), 1.4)
    assert np.allclose(left.lines[1].get_ydata(), 0.7)
    assert np.allclose(right.lines[0].get_ydata(), 0.6)
    assert np.allclose(right.lines[1].get_ydata(), 0.4)
    plt.close(fig)


def test_curves_keep_the_colours_of_their_roles():
    x = np.arange(3.0)
    lines = {"D: slope": x, "other": 2 * x, "G, fast": 3 * x, "real, p": x}
    lines |= {"third": 4 * x, "Gap": 5 * x}
    fig = views.curves("t", (x, lines, "step", "y"), (x, {"G": x}, "a", "b"))
    left, right = fig.axes
    colors = {line.get_label(): line.get_color() for line in left.lines}
    assert colors["D: slope"] == views.DISCRIMINATOR
    assert colors["G, fast"] == views.GENERATOR
    assert colors["real, p"] == views.REAL
    others = {colors["other"], colors["third"], colors["Gap"]}
    assert len(others) == 3 and not others & {
        views.REAL,
        views.GENERATOR,
        views.DISCRIMINATOR,
    }
    for line, (label, y) in zip(left.lines, lines.items(), strict=True):
        assert line.get_label() == label
        assert (line.get_ydata() == y).all()
    assert (left.get_xlabel(), right.get_ylabel()) == ("step", "b")
    assert left.get_xscale() == "linear"
    plt.close(fig)


def test_panels_with_the_same_labels_share_a_legend():
    x = np.arange(1.0, 4.0)
    panel = (x, {"G": x, "other": 2 * x}, "a", "b")
    fig = views.curves("t", panel, panel)
    told = [text.get_text() for text in fig.legends[0].get_texts()]
    assert told == ["G", "other"]
    assert [ax.get_legend() for ax in fig.axes] == [None, None]
    plt.close(fig)
    fig = views.curves("t", panel, (x, {"G": x}, "a", "b"))
    assert all(ax.get_legend() for ax in fig.axes) and not fig.legends
    plt.close(fig)


def test_curves_may_be_logarithmic_and_refuse_odd_lengths():
    x = np.arange(1.0, 4)
    fig = views.curves("t", (x, {"G": x}, "a", "b"), log=True)
    assert (fig.axes[0].get_xscale(), fig.axes[0].get_yscale()) == ("log",) * 2
    plt.close(fig)
    with pytest.raises(
        ValueError, match=r"G: expected shape \(3,\), found \(2,\)"
    ):
        views.curves("t", (x, {"G": x[:2]}, "a", "b"))
    with pytest.raises(ValueError, match="G: expected finite"):
        views.curves("t", (x, {"G": x * np.inf}, "a", "b"))


def test_bands_hold_most_steps():
    noise = np.random.default_rng(0).uniform(0, 1, 2_000)
    history = [(k + 1, k / 10, v, 9, 0.6, 0.4) for k, v in enumerate(noise)]
    fig = views.training_curves({"": of_history(history)}, "Noise")
    band = fig.axes[0].collections[0].get_paths()[0].vertices
    middle = band[(band[:, 0] > 500) & (band[:, 0] < 1_500)][:, 1]
    assert np.allclose(np.unique(middle.round()), [0, 1])
    assert middle.min() > 0.02 and middle.max() < 0.98
    assert np.allclose(fig.axes[0].lines[0].get_ydata(), 0.5, atol=0.15)
    plt.close(fig)


def test_runs_share_a_loss_axis_that_grows_where_it_must():
    def runs(*losses):
        rows = [
            [(k, k / 10, d, 0.7, 0.6, 0.4) for k in (1, 2)] for d in losses
        ]
        return {str(k): of_history(row) for k, row in enumerate(rows)}

    for losses, top in (((1.4,), 3), ((1.4, 0.1), 3), ((6, 1.4), 6.6)):
        fig = views.training_curves(runs(*losses), "Loss")
        found = [ax.get_ylim() for ax in fig.axes[: len(losses)]]
        assert np.allclose(found, [(0, top)] * len(losses))
        plt.close(fig)


@pytest.fixture
def run(uncompiled):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40, 28, 28, 1)).astype("float32")
    gan = dcgan.build_gan(RECIPE)
    return gan, x, training.sample_z(20, 4, 0, 0)


def test_the_live_view_is_redrawn_in_place(screen, run, monkeypatch, capsys):
    monkeypatch.setattr(views, "SECONDS_BETWEEN_FRAMES", 0)
    gan, x, z = run
    frames = {}
    views.train_live(gan, x, 4, z, (0, 2, 4), frames)
    assert list(frames) == [0, 2, 4]
    assert all(f.shape == (20, 28, 28, 1) for f in frames.values())
    assert not np.array_equal(frames[0], frames[4])
    picture, caption = screen.shown[0][0], screen.shown[1][0]
    displays = len(screen.shown) - screen.updates
    assert displays == 2 and screen.updates >= 1
    assert "image/png" in picture and "Live view" in caption["text/html"]
    assert capsys.readouterr().out == "finished: 4 steps\n"


def test_the_stop_button_says_how_to_go_on(screen, run, monkeypatch, capsys):
    gan, x, z = run
    draw = views.LiveView.__call__

    def press_stop(view, gan):
        draw(view, gan)
        if int(gan.step) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(views.LiveView, "__call__", press_stop)
    frames = {}
    views.train_live(gan, x, 4, z, (0, 1, 4), frames)
    assert "stopped after step 2 of 4" in capsys.readouterr().out
    monkeypatch.setattr(views.LiveView, "__call__", draw)
    views.train_live(gan, x, 4, z, (0, 1, 4), frames)
    assert list(frames) == [0, 1, 4]
    assert [row[0] for row in gan.history] == [1, 2, 3, 4]


def test_an_interrupted_frame_is_drawn_later(screen, run, monkeypatch):
    gan, x, z = run
    draw, presses, frames = dcgan.Gan.draw, [], {}

    def pressed_once(gan, z):
        if int(gan.step) == 2 and not presses:
            presses.append(1)
            raise KeyboardInterrupt
        return draw(gan, z)

    monkeypatch.setattr(dcgan.Gan, "draw", pressed_once)
    views.train_live(gan, x, 4, z, (0, 2, 4), frames)
    assert len(gan.history) == 2 and list(frames) == [0]
    views.train_live(gan, x, 4, z, (0, 2, 4), frames)
    assert list(frames) == [0, 2, 4]
