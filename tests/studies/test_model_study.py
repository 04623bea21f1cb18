"""The comparison of models over seeds, and the record that lesson 02 shows."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats

from helpers import data, metrics, runtime, training
from helpers.lessons import vae
from studies import model_study

LESSON = runtime.ROOT / "notebooks" / "02_vae_comparison.ipynb"
RECORD = json.loads(model_study.RESULTS.read_text(encoding="utf-8"))
RUNS = pd.DataFrame(RECORD["runs"])


def test_every_model_has_its_seeds():
    found = {(run["model"], run["seed"]) for run in RECORD["runs"]}
    wanted = {
        (name, seed)
        for name in model_study.MODELS
        for seed in model_study.seeds_of(name)
    }
    assert found == wanted and len(RUNS) == len(wanted)
    assert list(RUNS["model"].unique()) == list(model_study.MODELS)


def test_the_lesson_trains_for_as_long(settings_of):
    names = settings_of(LESSON, SEED=0, vae=vae, x_train=range(54_000))
    steps = RECORD["steps"]
    assert names["recipe"] == vae.VaeRecipe(0, steps["VAE"])
    assert steps["GAN"] == model_study.GAN_STEPS
    assert steps["VAE"] == model_study.VAE_STEPS
    assert names["recipe"].latent_dim == model_study.LATENT_DIM


def test_gan_and_vae_took_the_same_seconds():
    seconds = RUNS.groupby("model")["seconds"].median()
    assert seconds["VAE"] / seconds["GAN"] == pytest.approx(1, abs=0.25)


def test_only_a_vae_has_codes():
    has_codes = RUNS["elbo"].notna()
    assert (has_codes == RUNS["model"].str.startswith("VAE")).all()
    for name in ("ssim", "psnr", "active"):
        assert (RUNS[name].notna() == has_codes).all()


# What the text of lesson 02 says of the record.
SAYINGS = {
    "the VAE is more precise": ("precision", "VAE", "GAN", 1.1, 2),
    "the GAN has the higher recall": ("recall", "GAN", "VAE", 1.05, 2),
    "the VAE is softer": ("sharpness", "VAE", "GAN", 0, 0.4),
    "the prior costs the FCD": ("fcd", "VAE, mixture", "VAE", 0, 0.4),
    "repaired, it passes the GAN": ("fcd", "VAE, mixture", "GAN", 0, 0.9),
    "copies have the best FCD": ("fcd", "KDE, narrow", "VAE, mixture", 0, 0.3),
    "the likeliest kernels do not": (
        "fcd",
        "KDE, likeliest",
        "KDE, narrow",
        3,
        20,
    ),
}


@pytest.mark.parametrize("saying", SAYINGS)
def test_the_record_says_what_the_lesson_says(saying):
    metric, one, two, low, high = SAYINGS[saying]
    by_model = RUNS.groupby("model")[metric]
    worst = by_model.get_group(one).max() / by_model.get_group(two).min()
    best = by_model.get_group(one).min() / by_model.get_group(two).max()
    assert low <= best and worst <= high, f"{best:.3g} to {worst:.3g}"


# --------------------------------------------------------- how it is measured


@pytest.fixture(scope="module")
def holdout():
    images, _ = data.load("holdout", 60)
    return images


@pytest.fixture
def small(monkeypatch, holdout):
    monkeypatch.setattr(
        data, "load", lambda split, n=None: (holdout[:n], np.zeros(60))
    )
    monkeypatch.setattr(model_study, "N_BINARY", 20)
    monkeypatch.setattr(model_study, "N_DRAWS", 2)
    monkeypatch.setattr(model_study, "N_COMPONENTS", 5)
    model_study.fit_pca.cache_clear()
    model_study.likeliest.cache_clear()
    yield
    model_study.fit_pca.cache_clear()
    model_study.likeliest.cache_clear()


def test_real_images_score_as_real_images(small, holdout):
    model = model_study.Model(lambda n, seed: holdout, seconds=1.5)
    found = model_study.measure(model, 0)
    assert found["seconds"] == 1.5 and found["sharpness"] == 1
    assert found["precision"] == found["recall"] == 1
    assert found["fcd"] < 1e-3
    assert not {"elbo", "ssim"} & set(found)


def test_a_vae_is_measured_by_its_codes(small, holdout):
    training.keras.utils.set_random_seed(0)
    model = vae.build_vae(2, 4)
    run = model_study.Model(lambda n, seed: holdout, 1.0, model)
    found = model_study.measure(run, 3)
    x = np.asarray(vae.binarise(holdout[:20], model_study.BINARY_SEED, 0))
    mean, _ = vae.encode(model, x)
    again = vae.mean_images(model, mean)
    wanted = vae.weigh(model, x, 2, 3).mean()
    assert found["elbo"] == pytest.approx(wanted, rel=1e-3)
    wanted = metrics.ssim(again, holdout[:20]).mean()
    assert found["ssim"] == pytest.approx(wanted, rel=1e-3)
    assert found["active"] == vae.active_units(mean)


def test_the_likeliest_bandwidth_is_the_best_of_all(small, holdout):
    found, _ = model_study.likeliest()
    pca, codes, _ = model_study.fit_pca()
    seen = pca.transform(holdout[:20].reshape(20, -1))
    scores = {
        h: model_study.log_density(codes, h, seen)
        for h in model_study.BANDWIDTHS
    }
    assert found == max(scores, key=scores.get)


def test_log_density_is_its_formula():
    rng = np.random.default_rng(0)
    codes, seen = rng.normal(size=(500, 200)), rng.normal(size=(7, 200))
    codes *= np.linspace(2, 0.2, 200)
    seen *= np.linspace(2, 0.2, 200)
    for h in (0.1, 0.5):
        parts = scipy.stats.norm.logpdf(seen[:, None], codes, h).sum(axis=2)
        wanted = scipy.special.logsumexp(parts, axis=1) - np.log(500)
        found = model_study.log_density(codes, h, seen)
        assert found == pytest.approx(wanted.sum(), rel=1e-9)


def test_narrow_kernels_copy_and_the_gaussian_does_not(small, holdout):
    def nearest(images):
        gaps = images.reshape(30, 1, -1) - as_drawn.reshape(1, 60, -1)
        return np.square(gaps).sum(axis=2).min(axis=1).mean()

    pca, codes, _ = model_study.fit_pca()
    as_drawn = model_study.as_images(pca, codes)
    copies = model_study.fit_codes(0.01).draw(30, 0)
    clouds = model_study.fit_codes(None).draw(30, 0)
    assert nearest(copies) < 0.1 < nearest(clouds)
    assert data.check_images(clouds).shape == (30, 28, 28, 1)


def test_an_interrupted_study_goes_on(small, tmp_path, monkeypatch, holdout):
    results = tmp_path / "results" / "02.json"
    made = []

    def make(seed):
        made.append(seed)
        if len(made) == 3:
            raise KeyboardInterrupt
        return model_study.Model(lambda n, seed: holdout, seed)

    monkeypatch.setattr(model_study, "RESULTS", results)
    monkeypatch.setattr(model_study, "MODELS", {"one": make, "two": make})
    monkeypatch.setattr(model_study, "seeds_of", lambda name: (0, 1))
    monkeypatch.setattr(data, "source", lambda: "COURSE_MNIST")
    with pytest.raises(KeyboardInterrupt):
        model_study.main()
    model_study.main()
    runs = json.loads(results.read_text(encoding="utf-8"))["runs"]
    assert made == [0, 1, 0, 0, 1]
    assert [(run["model"], run["seed"]) for run in runs] == [
        ("one", 0),
        ("one", 1),
        ("two", 0),
        ("two", 1),
    ]


def test_it_needs_the_full_file(monkeypatch):
    monkeypatch.setattr(data, "source", lambda: data.SMALL)
    with pytest.raises(data.DataError, match=r"course\.py data"):
        model_study.main()


@pytest.mark.parametrize("train", ["train_gan", "train_vae"])
def test_half_a_run_is_no_record(monkeypatch, train):
    monkeypatch.setattr(model_study.training, "fit", lambda *rest: False)
    with pytest.raises(KeyboardInterrupt):
        getattr(model_study, train)(seed=0, n_steps=2)
