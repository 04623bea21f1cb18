"""Figures carry a text, are never empty, and the live view stops gently."""

import base64

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import training, views
from helpers.lessons import evaluation, theory, vae

ALT = "A line that rises from zero to one"
RECIPE = training.Recipe(
    seed=0, latent_dim=4, width=8, d_width=8, batch_size=8
)


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


def test_a_film_may_have_one_frame():
    x = np.linspace(-3, 3, 61)
    fig = theory.densities("t", x, np.ones(61), {"one": x})
    assert len(fig.axes) == 1
    plt.close(fig)


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


def test_curves_show_every_column():
    history = [(k, k / 10, 1.4, 0.7, 0.6, 0.4) for k in range(1, 31)]
    fig = views.training_curves(history, "Level")
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


def test_curves_may_be_logarithmic_and_refuse_odd_lengths():
    x = np.arange(1.0, 4)
    fig = views.curves("t", (x, {"G": x}, "a", "b"), log=True)
    assert (fig.axes[0].get_xscale(), fig.axes[0].get_yscale()) == ("log",) * 2
    plt.close(fig)
    with pytest.raises(
        ValueError, match=r"G: expected shape \(3,\), found \(2,\)"
    ):
        views.curves("t", (x, {"G": x[:2]}, "a", "b"))
    with pytest.raises(ValueError, match="G: a value is not finite"):
        views.curves("t", (x, {"G": x * np.inf}, "a", "b"))


def test_points_of_other_shapes_are_refused():
    x, points = np.arange(3.0), np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"step 0: expected shape \(n,\)"):
        theory.densities("t", x, x, {"step 0": points, "step 1": x})
    with pytest.raises(ValueError, match=r"p: expected shape \(3,\)"):
        theory.densities("t", x, x[:2], {"step 0": x, "step 1": x})
    parts = [points, points, points, points]
    for k, name in enumerate(["real", "generated", "places", "arrows"]):
        wrong = [*parts[:k], points[:, :1], *parts[k + 1 :]]
        with pytest.raises(ValueError, match=f"one, {name}.*shape .n, 2."):
            theory.clouds("t", {"one": wrong}, 1.0)
    plt.close("all")


def test_densities_lie_over_what_they_seek():
    x = np.linspace(-5, 5, 201)
    p = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    samples = np.random.default_rng(0).normal(2, 0.5, 4_000)
    fig = theory.densities("t", x, p, {"step 0": samples, "step 9": -samples})
    peaks = [x[ax.lines[0].get_ydata().argmax()] for ax in fig.axes]
    assert np.allclose(peaks, [2, -2], atol=0.3)
    titles = [ax.get_title(loc="left") for ax in fig.axes]
    assert titles == ["step 0", "step 9"]
    area = np.trapezoid(fig.axes[0].lines[0].get_ydata(), x)
    assert abs(area - 1) < 0.01
    plt.close(fig)


def test_clouds_show_points_and_arrows():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(n, 2)) for n in (30, 20, 7, 7)]
    fig = theory.clouds("t", {"step 1": parts, "step 2": parts}, 4.0)
    for ax in fig.axes:
        real, fake = ax.lines
        assert (np.transpose(real.get_data()) == parts[0]).all()
        assert (np.transpose(fake.get_data()) == parts[1]).all()
        [arrows] = [c for c in ax.collections if hasattr(c, "U")]
        assert np.allclose(np.transpose([arrows.U, arrows.V]), parts[3])
        assert ax.get_xlim() == (-4, 4)
    plt.close(fig)


def test_a_latent_map_names_its_digits():
    rng = np.random.default_rng(0)
    labels = np.repeat([3, 7], 30)
    codes = rng.normal(0, 0.1, (60, 2)) + np.where(labels == 3, 1, -1)[:, None]
    grid = rng.uniform(-1, 1, (9, 28, 28, 1)).astype("float32")
    fig = vae.latent_map("t", codes, labels, grid)
    left, right = fig.axes
    drawn = {line.get_marker(): line.get_xydata() for line in left.lines}
    assert (drawn["$3$"] == codes[:30]).all()
    assert (drawn["$7$"] == codes[30:]).all()
    assert len(drawn["$0$"]) == 0
    places = {text.get_text(): text.xy for text in left.texts}
    assert set(places) == {"3", "7"}
    assert places["3"][0] > 0.8 and places["7"][0] < -0.8
    assert (right.images[0].get_array() == views.tile(grid, 3)).all()
    plt.close(fig)
    with pytest.raises(ValueError, match=r"codes: expected shape \(n, 2\)"):
        vae.latent_map("t", codes[:, :1], labels, grid)
    with pytest.raises(ValueError, match=r"labels: expected shape \(60,\)"):
        vae.latent_map("t", codes, labels[:5], grid)
    with pytest.raises(ValueError, match="grid: expected side x side"):
        vae.latent_map("t", codes, labels, grid[:8])
    plt.close("all")


def test_a_trade_off_names_its_models():
    points = {"one": ([0.1, 0.3], [0.9, 0.8]), "two": ([0.6], [0.5])}
    points = {k: tuple(map(np.array, v)) for k, v in points.items()}
    fig = vae.trade_off("t", points, "recall", "precision")
    (ax,) = fig.axes
    for line, (x, y) in zip(ax.lines, points.values(), strict=True):
        assert (line.get_xdata() == x).all() and (line.get_ydata() == y).all()
    assert [text.get_text() for text in ax.texts] == ["one", "two"]
    assert ax.texts[0].xy == (0.3, 0.8)
    looks = {(line.get_marker(), line.get_color()) for line in ax.lines}
    assert len(looks) == 2
    plt.close(fig)
    with pytest.raises(ValueError, match="two, recall: a value is not"):
        vae.trade_off("t", points | {"two": ([np.nan], [1])}, "recall", "p")
    with pytest.raises(ValueError, match=r"two, p: expected shape \(1,\)"):
        vae.trade_off("t", points | {"two": ([1], [1, 2])}, "recall", "p")
    plt.close("all")


def test_a_run_of_a_vae_shows_its_two_terms():
    rows = np.array([(k, k / 10, 600 / k, 20.0) for k in range(1, 101)])
    fig, axes = plt.subplots(1, 2)
    views._draw_history(axes, rows, vae.Vae.COLUMNS)
    for ax, column in zip(axes, (2, 3), strict=True):
        assert ax.get_ylabel() == "nats an image"
        drawn = ax.lines[0].get_ydata()
        assert drawn[50] == pytest.approx(rows[50, column], rel=0.02)
        assert ax.get_ylim()[0] == 0
    plt.close(fig)


def test_bands_hold_most_steps():
    noise = np.random.default_rng(0).uniform(0, 1, 2_000)
    history = [(k + 1, k / 10, v, 9, 0.6, 0.4) for k, v in enumerate(noise)]
    fig = views.training_curves(history, "Noise")
    band = fig.axes[0].collections[0].get_paths()[0].vertices
    middle = band[(band[:, 0] > 500) & (band[:, 0] < 1_500)][:, 1]
    assert np.allclose(np.unique(middle.round()), [0, 1])
    assert middle.min() > 0.02 and middle.max() < 0.98
    assert np.allclose(fig.axes[0].lines[0].get_ydata(), 0.5, atol=0.15)
    plt.close(fig)


@pytest.fixture
def run(uncompiled):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40, 28, 28, 1)).astype("float32")
    gan = training.build_gan(RECIPE)
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
    draw, presses, frames = training.Gan.draw, [], {}

    def pressed_once(gan, z):
        if int(gan.step) == 2 and not presses:
            presses.append(1)
            raise KeyboardInterrupt
        return draw(gan, z)

    monkeypatch.setattr(training.Gan, "draw", pressed_once)
    views.train_live(gan, x, 4, z, (0, 2, 4), frames)
    assert len(gan.history) == 2 and list(frames) == [0]
    views.train_live(gan, x, 4, z, (0, 2, 4), frames)
    assert list(frames) == [0, 2, 4]


def test_heat_map_writes_every_number():
    table = pd.DataFrame([[1.2, -3.0], [-0.1, 20.0]], ["a", "b"], ["p", "q"])
    fig = evaluation.heat_map("title", table, 5, "unit")
    ax = fig.axes[0]
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["+1", "-3", "0", "+20"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["p", "q"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    plt.close(fig)
    with pytest.raises(ValueError, match="not finite"):
        evaluation.heat_map("title", table.replace(20, np.nan), 5, "unit")
    with pytest.raises(ValueError, match="limit is 0"):
        evaluation.heat_map("title", table, 0, "unit")


@pytest.fixture
def choice():
    real = np.full((40, 28, 28, 1), 0.5, np.float32)
    return evaluation.ForcedChoice(real, -real, seed=1)


def test_forced_choice_knows_where_the_real_image_is(choice):
    assert choice.pairs.shape == (40, 2, 28, 28, 1)
    assert 8 < choice.real_side.sum() < 32
    for k in range(40):
        side = choice.real_side[k]
        assert (choice.pairs[k, side] == 0.5).all()
        assert (choice.pairs[k, 1 - side] == -0.5).all()
        assert choice.n_correct == k
        choice.answer(side)
    choice.answer(0)  # after the last pair
    assert (len(choice.answers), choice.n_correct) == (40, 40)


def test_forced_choice_counts_wrong_answers(choice):
    for side in choice.real_side[:10]:
        choice.answer(1 - side)
    assert (len(choice.answers), choice.n_correct) == (10, 0)


def test_forced_choice_refuses(choice):
    with pytest.raises(ValueError, match="side is 2"):
        choice.answer(2)
    x = np.zeros((3, 28, 28, 1), np.float32)
    for real, fake in ((x, x[:2]), (x[:0], x[:0])):
        with pytest.raises(ValueError, match="as many of both"):
            evaluation.ForcedChoice(real, fake, seed=0)


def test_clicks_answer(choice):
    picture, buttons, told = choice.widget().children
    first = bytes(picture.value)
    assert first.startswith(b"\x89PNG") and told.value == "0 of 40 answered"
    for k, side in enumerate(choice.real_side):
        assert told.value == f"{k} of 40 answered"
        buttons.children[side].click()
        if k == 0:
            different = choice.real_side[1] != side
            assert (bytes(picture.value) != first) == different
    buttons.children[0].click()
    assert told.value == "40 of 40 answered, 40 right"
    assert choice.n_correct == 40
