"""The VAE: closed forms, bounds, exact resume, and bad input."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

from helpers import checkpoints, data, metrics, training, views
from helpers.backend import keras, tf
from helpers.lessons import dcgan, diagrams, sharpness, vae, vae_figures
from tools import plans

RECIPE = vae.VaeRecipe(
    seed=1, n_steps=20, latent_dim=3, width=4, batch_size=16
)


@pytest.fixture(scope="module")
def x_train():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (100, 28, 28, 1)).astype("float32")


@pytest.fixture(scope="module")
def x_binary(x_train):
    return np.asarray(vae.binarise(x_train[:6], 1, 0))


@pytest.fixture
def run(uncompiled):
    return vae.build_run(RECIPE)


# ------------------------------------------------------------------- the data


def test_the_share_of_white_is_the_grey_level():
    grey = np.linspace(-1, 1, 5, dtype="float32")
    images = np.broadcast_to(grey[:, None, None, None], (5, 28, 28, 1))
    draws = np.stack([vae.binarise(images, 1, k) for k in range(50)])
    assert set(np.unique(draws)) == {-1, 1}
    share = (draws == 1).mean(axis=(0, 2, 3, 4))
    assert share[0] == 0 and share[-1] == 1, "black and white are certain"
    error = 0.5 / np.sqrt(50 * 784)
    assert np.allclose(share, (grey + 1) / 2, atol=4 * error)


def test_a_draw_is_a_function_of_seed_and_step(x_train):
    first = vae.binarise(x_train, 1, 2)
    assert np.array_equal(first, vae.binarise(x_train, 1, 2))
    assert not np.array_equal(first, vae.binarise(x_train, 1, 3))
    assert not np.array_equal(first, vae.binarise(x_train, 2, 2))


def test_pixels_and_codes_are_drawn_from_other_numbers():
    images = np.zeros((1, 28, 28, 1), "float32")
    u = np.asarray(vae.binarise(images, 1, 0)).ravel()
    z = np.asarray(training.sample_z(1, 784, 1, 0)).ravel()
    assert abs(np.corrcoef(u, z)[0, 1]) < 4 / np.sqrt(784)


# -------------------------------------------------------------- the two terms


def test_kl_agrees_with_draws():
    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(2, 1, 4))
    z = mean + np.exp(log_variance / 2) * rng.normal(size=(100_000, 4))
    log_q = stats.norm.logpdf(z, mean, np.exp(log_variance / 2)).sum(axis=1)
    terms = log_q - stats.norm.logpdf(z).sum(axis=1)
    error = terms.std() / np.sqrt(len(terms))
    found = float(vae.kl_to_prior(mean, log_variance)[0])
    assert abs(found - terms.mean()) < 4 * error
    assert vae.kl_to_prior(np.zeros((1, 4)), np.zeros((1, 4)))[0] == 0


def test_reconstruction_is_the_probability_of_the_pixels(x_binary):
    logits = np.random.default_rng(1).normal(0, 3, x_binary.shape)
    p = 1 / (1 + np.exp(-logits))
    chosen = np.where(x_binary > 0, p, 1 - p)
    wanted = -np.log(chosen).sum(axis=(1, 2, 3))
    found = vae.reconstruction_loss(x_binary, logits.astype("float32"))
    assert np.allclose(found, wanted, rtol=1e-5)


# ----------------------------------------------------------------- the bounds


def exact_log_p(model, x):
    """log p(x) by quadrature, for a code of one number."""
    z = np.linspace(-8, 8, 4_001, dtype="float32")[:, None]
    logits = training.generate(model.get_layer("decoder"), z)
    log_joint = np.stack(
        [
            stats.norm.logpdf(z[:, 0])
            - np.logaddexp(0, -image * logits).sum(axis=(1, 2, 3))
            for image in x
        ]
    )
    top = log_joint.max(axis=1, keepdims=True)
    total = np.trapezoid(np.exp(log_joint - top), z[:, 0], axis=1)
    return np.log(total) + top[:, 0]


def test_the_bounds_rise_to_the_truth(x_binary):
    keras.utils.set_random_seed(3)
    model = vae.build_vae(1, 4)
    weights = vae.weigh(model, x_binary, 400, 5)
    truth, elbo = exact_log_p(model, x_binary), weights.mean(axis=0)
    tight = vae.bound(weights)
    assert (elbo < tight).all()
    errors = weights.std(axis=0) / np.sqrt(len(weights))
    assert (elbo < truth + 4 * errors).all()
    assert np.allclose(tight, truth, atol=0.2)
    assert np.array_equal(vae.bound(weights[:1]), weights[0])


def test_the_weights_have_the_mean_of_elbo(x_binary):
    keras.utils.set_random_seed(3)
    model = vae.build_vae(2, 4)
    mean, log_variance = vae.encode(model, x_binary)
    weights = vae.weigh(model, x_binary, 500, 5)
    kl = np.asarray(vae.kl_to_prior(mean, log_variance))
    z = mean + np.exp(log_variance / 2) * np.random.default_rng(0).normal(
        size=(500, *mean.shape)
    )
    losses = [
        vae.reconstruction_loss(
            x_binary,
            model.get_layer("decoder")(draw.astype("float32"), training=False),
        )
        for draw in z
    ]
    closed = -np.mean(losses, axis=0) - kl
    errors = np.sqrt(weights.var(axis=0) + np.var(losses, axis=0))
    assert (abs(weights.mean(axis=0) - closed) < 4 * errors / 22).all()


def test_chunks_change_nothing(x_binary, monkeypatch):
    model = vae.build_vae(2, 4)
    whole = vae.weigh(model, x_binary, 2, 5)
    monkeypatch.setattr(vae, "CHUNK", 4)
    assert np.allclose(whole, vae.weigh(model, x_binary, 2, 5), atol=1e-3)


def test_units_that_move_are_active():
    mean = np.zeros((100, 3))
    mean[:, 1] = np.random.default_rng(0).normal(size=100)
    mean[:, 2] = 5  # far from the prior, the same for every image
    assert vae.active_units(mean) == 1


# -------------------------------------------------------------------- the run


def test_a_step_moves_both_networks(run, x_train):
    before = run.model.get_weights()
    nats = np.array(vae.vae_step(run, x_train[:16]))
    assert nats.shape == (2,) and (nats > 0).all()
    after = run.model.get_weights()
    moved = [
        not np.array_equal(a, b) for a, b in zip(before, after, strict=True)
    ]
    assert all(moved)


def test_the_weight_of_the_kl_term_counts(x_train):
    runs = [
        vae.build_run(dataclasses.replace(RECIPE, kl_weight=weight))
        for weight in (0.0, 10.0)
    ]
    for run in runs:
        vae.vae_step(run, x_train[:16])
    one, two = (run.model.get_weights() for run in runs)
    assert any(not np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_resume_is_exact(run, x_train, tmp_path):
    training.fit(run, x_train, 8)
    stopped = vae.build_run(RECIPE)
    training.fit(stopped, x_train, 5)
    training.save_state(stopped, tmp_path / "state.npz")
    again = vae.build_run(RECIPE)
    training.load_state(again, tmp_path / "state.npz")
    assert len(again.history) == 5
    training.fit(again, x_train, 8)
    for part in ("model", "optimizer"):
        pairs = zip(
            getattr(run, part).variables,
            getattr(again, part).variables,
            strict=True,
        )
        assert all(np.array_equal(a, b) for a, b in pairs), part
    nats = [np.array(r.history)[:, 2:] for r in (run, again)]
    assert np.array_equal(*nats)


def test_it_draws_the_mean_of_its_pixels(run):
    z = training.sample_z(5, 3, 1, 0)
    images = data.check_images(run.draw(z))
    logits = training.generate(run.model.get_layer("decoder"), z)
    assert np.allclose(images, 2 / (1 + np.exp(-logits)) - 1, atol=1e-6)


def test_the_decoder_is_the_generator():
    decoder = vae.build_decoder(10)
    generator = dcgan.build_generator(10)
    shapes = [
        [weight.shape for weight in model.get_weights()]
        for model in (decoder, generator)
    ]
    assert shapes[0] == shapes[1]
    kinds = [
        [type(layer) for layer in model.layers]
        for model in (decoder, generator)
    ]
    assert kinds[0] == kinds[1]


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_steps", 0),
        ("latent_dim", 0),
        ("latent_dim", 2.5),
        ("width", 1),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", np.nan),
        ("kl_weight", -1.0),
        ("kl_weight", np.inf),
    ],
)
def test_a_recipe_refuses(name, value):
    with pytest.raises(ValueError, match=f"{name} is"):
        dataclasses.replace(RECIPE, **{name: value})


@pytest.mark.parametrize("build", ["encoder", "decoder", "vae"])
def test_a_builder_refuses(build):
    function = getattr(vae, f"build_{build}")
    with pytest.raises(ValueError, match="latent_dim is 0"):
        function(0)
    with pytest.raises(ValueError, match="width is 7"):
        function(2, 7)


GREY = np.zeros((4, 28, 28, 1), "float32")
CODE = np.zeros((4, 3))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: vae.binarise(GREY[..., 0], 0, 0), r"images: .*28, 28, 1\)"),
        (lambda: vae.binarise(GREY + 2, 0, 0), r"images: .*\[-1, 1\]"),
        (lambda: vae.binarise(GREY + np.nan, 0, 0), "images: .*finite"),
        (lambda: vae.kl_to_prior(CODE, CODE[:, :2]), "log_variance: .*d = 3"),
        (lambda: vae.kl_to_prior(CODE[0], CODE[0]), "mean: "),
        (lambda: vae.kl_to_prior(CODE, CODE + np.inf), "log_variance: .*fin"),
        (lambda: vae.reconstruction_loss(GREY, GREY[:2]), "logits: .*n = 4"),
        (lambda: vae.active_units(CODE[0]), "mean: "),
        (lambda: vae.bound(CODE[0]), "weights: "),
        (lambda: vae.bound(CODE + np.nan), "weights: .*finite"),
        (lambda: vae.mean_images(None, CODE[0]), "z: "),
        (lambda: vae.mean_images(None, CODE + np.nan), "z: .*finite"),
        (lambda: vae.encode(None, GREY), "expected binary images"),
        (lambda: vae.weigh(None, GREY, 0, 1), "k is 0"),
        (lambda: vae.weigh(None, GREY, 2, 1), "expected binary images"),
        (lambda: vae.log_weights(None, GREY, CODE, CODE, CODE[:2]), "noise: "),
    ],
)
def test_what_is_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_shapes_are_checked_in_a_compiled_function():
    @tf.function
    def step(mean):
        return vae.kl_to_prior(mean, mean[:, :1])

    with pytest.raises(ValueError, match="log_variance: "):
        step(tf.zeros((4, 3)))


# ------------------------------------------------------------- what is shipped


@pytest.mark.parametrize("name", ["vae2", "vae10"])
def test_a_card_reports_nats(name):
    metrics = checkpoints.card(name)["metrics"]
    for split in ("validation", "holdout", "test"):
        nats = metrics[f"{split}, binarised with seed 0, nats"]
        elbo, kl = nats["elbo"]["estimate"], nats["kl"]["estimate"]
        loss = nats["reconstruction loss"]["estimate"]
        assert elbo == pytest.approx(-kl - loss, abs=0.15)  # rounded
        tight = nats["importance-weighted bound, 50 draws"]["estimate"]
        assert elbo < tight < 0
        assert nats["active latent units"] == int(name[3:])


def test_ten_numbers_reach_the_bound_that_is_promised():
    metrics = checkpoints.card("vae10")["metrics"]
    nats = metrics["test, binarised with seed 0, nats"]
    assert nats["elbo"]["low"] > -100


def test_most_of_the_fall_of_moved_digits_is_the_guess():
    """A guess tuned to the digits themselves costs less than half of it."""
    model = checkpoints.load("vae10")
    x = np.asarray(vae.binarise(data.load("holdout", 60)[0], 0, 0))
    x = x[x[:, :, -6:].max(axis=(1, 2, 3)) < 0][:20]
    moved = np.roll(x, 6, axis=2)
    before, after = (vae.weigh(model, i, 10, 0).mean() for i in (x, moved))
    guess = [tf.Variable(part) for part in vae.encode(model, moved)]
    optimizer = keras.optimizers.Adam(0.05)

    @tf.function
    def tune(noise):
        with tf.GradientTape() as tape:
            code = map(tf.identity, guess)
            elbo = tf.reduce_mean(vae.log_weights(model, moved, *code, noise))
            loss = -len(x) * elbo
        return elbo, tape.gradient(loss, guess)

    for step in range(250):
        elbo, slopes = tune(training.sample_z(len(x), 10, 0, step))
        optimizer.apply(slopes, guess)
    assert elbo < 2 * before, "they stay unlikely"
    assert elbo - after > (before - after) / 2


def test_the_vae_draws_where_balls_are_wide():
    """Precision counts its digits in balls that few real digits share."""
    model = checkpoints.load("vae10")
    x_real, _ = data.load("holdout", 1_000)
    x_other, _ = data.load("train", 1_000)
    drawn = vae.mean_images(model, training.sample_z(1_000, 10, 0, 0))
    crisp = sharpness.sharpened(drawn, sharp(x_real))
    radii = [sharpness.ball_met(x_real, x) for x in (x_other, crisp)]
    own, its = (np.median(r[np.isfinite(r)]) for r in radii)
    assert 1.15 < its / own < 1.8


def test_a_stopped_run_is_no_checkpoint_and_goes_on(tmp_path, monkeypatch):
    started = []

    def stopped_at_once(run, x_train, goal, y_train):
        started.append(int(run.step))
        run.step.assign_add(2)
        run.history.extend([(k, 0.1, 1, 1) for k in (1, 2)])
        return False

    monkeypatch.setattr(plans, "BUILD", tmp_path)
    monkeypatch.setattr(training, "fit", stopped_at_once)
    plan = plans.VaePlan(RECIPE)
    monkeypatch.setattr(vae, "weigh", lambda *rest: np.zeros(1))
    assert plan.train("toy") is None
    assert plan.train("toy") is None
    assert started == [0, 2]


# ----------------------------------------------------------------- figures


def test_a_latent_map_names_its_digits(uncompiled):
    rng = np.random.default_rng(0)
    model = vae.build_vae(2, 4)
    labels = np.repeat([3, 7], 30)
    middle = np.where(labels == 3, 0.8, 0.2)[:, None]
    places = np.clip(rng.normal(0, 0.05, (60, 2)) + middle, 0, 1)
    fig = vae_figures.latent_map(model, places, labels, side=3)
    left, right = fig.axes
    drawn = [line.get_xydata() for line in left.lines]
    assert (drawn[3] == places[:30]).all() and (drawn[7] == places[30:]).all()
    assert len(drawn[0]) == 0
    spots = {text.get_text(): text.xy for text in left.texts}
    assert set(spots) == {"3", "7"}
    assert spots["3"][0] > 0.6 and spots["7"][0] < 0.4
    z = stats.norm.ppf([1 / 6, 0.5, 5 / 6])
    first = np.array([[z[0], z[2]], [z[1], z[2]]], "float32")
    tiles = right.images[0].get_array()
    assert tiles.shape == (84, 84)
    two = views.tile(vae.mean_images(model, first), 2)
    assert np.allclose(tiles[:28, :56], two, atol=1e-6), "top row: z2 large"
    assert left.get_xlim() == right.get_xlim() == (0, 1)
    plt.close(fig)
    with pytest.raises(ValueError, match=r"places: expected shape \(n, 2\)"):
        vae_figures.latent_map(model, places[:, :1], labels)
    with pytest.raises(ValueError, match=r"labels: expected shape \(60,\)"):
        vae_figures.latent_map(model, places, labels[:5])
    plt.close("all")


def test_fields_share_a_scale():
    fig = vae_figures.fields("t", {"a": np.eye(3), "b": 4 * np.ones((2, 5))})
    *panels, bar = fig.axes
    assert [ax.images[0].get_clim() for ax in panels] == [(0, 4), (0, 4)]
    assert [ax.get_xlabel() for ax in panels] == ["a, 3 x 3", "b, 2 x 5"]
    assert bar.get_ylim() == (0, 4)
    plt.close(fig)
    with pytest.raises(ValueError, match=r"a: expected shape \(n, m\)"):
        vae_figures.fields("t", {"a": np.zeros(3)})
    plt.close("all")


def test_guesses_lie_over_the_truth():
    z = np.linspace(-3, 3, 61)
    truth, high = stats.norm.pdf(z), stats.norm.pdf(z, 0, 0.2)
    fig = vae_figures.guesses("t", z, truth, {"one": truth, "two": high})
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["one", "two"]
    assert (fig.axes[1].lines[0].get_ydata() == high).all()
    assert fig.axes[0].get_ylim()[1] > high.max(), "no guess is cut off"
    plt.close(fig)
    with pytest.raises(ValueError, match=r"two: expected shape \(61,\)"):
        vae_figures.guesses("t", z, truth, {"two": high[:5]})
    with pytest.raises(ValueError, match=r"truth: expected shape \(61,\)"):
        vae_figures.guesses("t", z, truth[:5], {})
    plt.close("all")


def test_softness_shows_both_ends():
    ends = {"recall": 0.9, "precision": 0.8}, {"recall": 0.6, "precision": 0.9}
    models = dict.fromkeys(("real", "a", "b"), ends[0])
    blurred = dict.fromkeys(("real", "a"), ends[1])
    fig = vae_figures.softness("t", models, blurred)
    [ax] = fig.axes
    assert (ax.lines[0].get_xydata() == [[0.9, 0.8], [0.6, 0.9]]).all()
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["real", "real, blurred", "a", "a, blurred", "b"]
    colours = {line.get_color() for line in ax.lines}
    assert colours == {views.REAL, views.FAKE, "#009E73"}
    plt.close(fig)
    blurred["a"] = ends[1] | {"recall": np.nan}
    with pytest.raises(ValueError, match="a, blurred: expected finite"):
        vae_figures.softness("t", models, blurred)
    plt.close("all")


def test_a_diagram_of_a_vae_has_both_ways():
    fig = diagrams.vae()
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert {"digit x", "encoder", "code z", "decoder"} <= set(texts)
    assert {"encoder learns", "decoder learns"} <= set(texts)
    assert "the price: how far\nfrom the prior?" in texts
    plt.close(fig)


# --------------------------------------------------------------- one sharpness


@pytest.fixture(scope="module")
def strokes():
    """Grey images with edges, none of them quite black or white."""
    x = np.full((50, 28, 28, 1), -0.6, "float32")
    for k in range(50):
        x[k, 4 + k % 9 : 20, 6 + k % 7 : 12] = 0.6
    return x


def sharp(images):
    return metrics.laplacian_variance(images).mean()


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_softened_images_meet_the_target(strokes, share):
    soft = sharpness.softened(strokes, share * sharp(strokes))
    assert data.check_images(soft).shape == strokes.shape
    assert sharp(soft) == pytest.approx(share * sharp(strokes), rel=0.02)


@pytest.mark.parametrize("factor", [1.1, 2.0])
def test_sharpened_images_meet_the_target(strokes, factor):
    crisp = sharpness.sharpened(strokes, factor * sharp(strokes))
    assert data.check_images(crisp).shape == strokes.shape
    assert sharp(crisp) == pytest.approx(factor * sharp(strokes), rel=0.02)
    assert (np.sign(crisp) == np.sign(strokes)).all()


def test_a_sharpness_out_of_reach_is_refused(strokes):
    with pytest.raises(ValueError, match=r"target is .*expected a sharpness"):
        sharpness.softened(strokes, 2 * sharp(strokes))
    with pytest.raises(ValueError, match=r"target is .*expected a sharpness"):
        sharpness.sharpened(strokes, 0.5 * sharp(strokes))
    with pytest.raises(ValueError, match="expected"):
        sharpness.softened(strokes + 3, 1.0)


def test_scoring_is_that_of_the_metrics():
    x_real, _ = data.load("holdout", 300)
    x_other, _ = data.load("validation", 300)
    found = sharpness.scoring(x_real)(x_other)
    wanted = metrics.score_samples(x_other, metrics.judge(x_real))
    for name in ("fcd", "precision", "recall"):
        assert found[name] == pytest.approx(wanted[name])
    assert found["sharpness"] == pytest.approx(sharp(x_other) / sharp(x_real))


def test_counted_images_are_those_of_precision():
    x_real, _ = data.load("holdout", 300)
    x_other, _ = data.load("validation", 300)
    x_soft = sharpness.softened(x_other, 0.6 * sharp(x_real))
    inside = sharpness.counted(x_real, x_soft)
    assert inside.dtype == bool and inside.shape == (300,)
    assert inside.mean() == sharpness.scoring(x_real)(x_soft)["precision"]
    radii = sharpness.ball_met(x_real, x_soft)
    assert np.array_equal(np.isfinite(radii), inside)
    assert (radii > 0).all()


def test_spread_is_the_trace_of_the_covariance():
    x, _ = data.load("holdout", 300)
    points = metrics.judge(x).features
    trace = np.trace(np.cov(points.T, bias=True))
    assert sharpness.spread(x) == pytest.approx(trace, rel=1e-4)
    assert sharpness.spread(np.repeat(x[:1], 5, axis=0)) < 1e-6


def test_a_run_of_a_vae_shows_its_two_terms():
    rows = np.array([(k, k / 10, 600 / k, 20.0) for k in range(1, 101)])
    run = vae.build_run(vae.VaeRecipe(0, n_steps=1, latent_dim=1, width=2))
    run.history.extend(rows)
    fig, axes = plt.subplots(1, 2)
    run.draw_history(axes)
    for ax, column in zip(axes, (2, 3), strict=True):
        assert ax.get_ylabel() == "nats per image"
        drawn = ax.lines[0].get_ydata()
        assert drawn[50] == pytest.approx(rows[50, column], rel=0.02)
        assert ax.get_ylim()[0] == 0
    total = axes[0].lines[1].get_ydata()
    assert total[50] == pytest.approx(rows[50, 2] + rows[50, 3], rel=0.02)
    assert axes[0].lines[2].get_ydata()[0] == pytest.approx(543.4, abs=0.1)
    assert axes[0].get_ylim()[1] > 543.4, "what a guess of 1/2 costs is seen"
    plt.close(fig)
