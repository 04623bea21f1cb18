"""Compare the models of lesson 02 over seeds: python -m studies.model_study.

GAN and VAE have the same decoder, data and, as near as whole steps allow,
seconds of training; beside them stand a Gaussian and two kernel densities on
the codes of a PCA. Each finished run is one row of
data/results/02_models.json, written at once, so that an interrupted call goes
on. Let nothing else run beside it: the seconds are part of the result.
"""

import functools
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from helpers import data, metrics, runtime, training
from helpers.backend import keras
from helpers.lessons import dcgan, vae
from studies.record import Record
from tools.alone import alone
from tools.calibrate import SEEDS

RESULTS = runtime.ROOT / "data" / "results" / "02_models.json"
LATENT_DIM = 10
N_COMPONENTS = 200
BANDWIDTHS = (0.3, 0.4, 0.5, 0.6, 0.7)  # units of a PCA code
NARROW = 0.1  # copies
N_CODES, N_BUMPS = 10_000, 20  # of the mixture
GAN_STEPS, VAE_STEPS = 800, 1_200  # of the lesson in the lecture profile
LONGER = 8  # times as many steps
BINARY_SEED = 0
N_BINARY = 1_000  # images of holdout for the ELBO
N_DRAWS = 50
METRICS = ("fcd", "score", "precision", "recall", "rarest")


class Model(NamedTuple):
    """A trained model.

    Attributes:
        draw: of n and a seed, returns images (n, 28, 28, 1).
        seconds: of training.
        vae: encoder and decoder, of a VAE alone.
    """

    draw: Callable[[int, int], np.ndarray]
    seconds: float
    vae: keras.Model | None = None


def draw_from(run: training.Run) -> Callable[[int, int], np.ndarray]:
    """Return what draws n images of a run."""

    def draw(n: int, seed: int) -> np.ndarray:
        return run.draw(
            training.sample_z(n, run.recipe.latent_dim, seed, 10**6)
        )

    return draw


def train_gan(seed: int, n_steps: int, latent_dim: int = LATENT_DIM) -> Model:
    """Train the DCGAN of lesson 03 with a z as long as the VAE's.

    Its record was made when the lesson's recipe still had a beta_1 of 0.5.
    """
    recipe = dcgan.Recipe(seed, latent_dim=latent_dim, beta_1=0.5)
    gan = dcgan.build_gan(recipe)
    if not training.fit(gan, data.load("train")[0], n_steps):
        raise KeyboardInterrupt  # half a run is no record
    return Model(draw_from(gan), gan.history[-1][1])


def train_vae(seed: int, n_steps: int, latent_dim: int = LATENT_DIM) -> Model:
    """Train the VAE of lesson 02."""
    run = vae.build_run(vae.VaeRecipe(seed, n_steps, latent_dim))
    if not training.fit(run, data.load("train")[0], n_steps):
        raise KeyboardInterrupt
    return Model(draw_from(run), run.history[-1][1], run.model)


def code_draws(
    model: keras.Model, images: np.ndarray, seed: int
) -> np.ndarray:
    """Draw one z for each image, from its q."""
    x = np.asarray(vae.binarise(images, BINARY_SEED, 0))
    mean, log_variance = vae.encode(model, x)
    noise = training.sample_z(*mean.shape, seed, 10**6)
    return mean + np.exp(log_variance / 2) * np.asarray(noise, float)


def redraw(seed: int, n_steps: int) -> Model:
    """Train a VAE, then draw training images again from their codes."""
    model = train_vae(seed, n_steps)

    def draw(n: int, seed: int) -> np.ndarray:
        images = draw_real().draw(n, seed)
        return vae.mean_images(model.vae, code_draws(model.vae, images, seed))

    return model._replace(draw=draw)


def refit_prior(seed: int, n_steps: int) -> Model:
    """Train a VAE, then draw z from a mixture fitted to training codes."""
    model = train_vae(seed, n_steps)
    start = time.perf_counter()
    images, _ = data.load("train", N_CODES)
    z = code_draws(model.vae, images, seed)
    mixture = GaussianMixture(N_BUMPS, random_state=seed).fit(z)
    seconds = model.seconds + time.perf_counter() - start

    def draw(n: int, seed: int) -> np.ndarray:
        z = mixture.sample(n)[0].astype("float32")
        return vae.mean_images(model.vae, z)

    return Model(draw, seconds, model.vae)


@functools.lru_cache(maxsize=1)
def fit_pca() -> tuple[PCA, np.ndarray, float]:
    """Return the PCA, the codes of all training images, and seconds."""
    x_train, _ = data.load("train")
    start = time.perf_counter()
    pixels = x_train.reshape(len(x_train), -1)
    pca = PCA(N_COMPONENTS).fit(pixels)
    return pca, pca.transform(pixels), time.perf_counter() - start


def log_density(
    codes: np.ndarray, bandwidth: float, seen: np.ndarray
) -> float:
    """Sum the log density of codes under a kernel density, in nats."""
    # One leaf holds all: scikit-learn's tree goes wrong in many dimensions,
    # by fifty nats a code here.
    kernels = KernelDensity(bandwidth=bandwidth, leaf_size=len(codes))
    return kernels.fit(codes).score(seen)


@functools.lru_cache(maxsize=1)
def likeliest() -> tuple[float, float]:
    """Return the bandwidth of the best validation likelihood, and seconds."""
    pca, codes, _ = fit_pca()
    images, _ = data.load("validation", N_BINARY)
    seen = pca.transform(images.reshape(len(images), -1))
    start = time.perf_counter()
    scores = [log_density(codes, h, seen) for h in BANDWIDTHS]
    seconds = time.perf_counter() - start
    return BANDWIDTHS[int(np.argmax(scores))], seconds


def fit_codes(bandwidth: float | None, seconds: float = 0) -> Model:
    """Fit the PCA codes by one Gaussian, or by a kernel density.

    Args:
        bandwidth: of the kernel, in units of a code; None for the Gaussian.
        seconds: that finding the bandwidth took.

    Returns:
        The model.
    """
    pca, codes, seconds_pca = fit_pca()
    density = bandwidth and KernelDensity(bandwidth=bandwidth).fit(codes)

    def draw(n: int, seed: int) -> np.ndarray:
        if density:
            return as_images(pca, density.sample(n, random_state=seed))
        rng = np.random.default_rng(seed)
        drawn = rng.normal(size=(n, N_COMPONENTS)) * codes.std(axis=0)
        return as_images(pca, drawn)

    return Model(draw, seconds=seconds_pca + seconds)


def as_images(pca: PCA, codes: np.ndarray) -> np.ndarray:
    """Turn PCA codes (n, N_COMPONENTS) into images (n, 28, 28, 1)."""
    images = pca.inverse_transform(codes).reshape(-1, 28, 28, 1)
    return np.clip(images, -1, 1).astype("float32")


def draw_real() -> Model:
    """Draw training images: what a perfect model would score."""
    x_train, _ = data.load("train")

    def draw(n: int, seed: int) -> np.ndarray:
        rows = np.random.default_rng(seed).choice(len(x_train), n, False)
        return x_train[rows]

    return Model(draw, seconds=0)


MODELS: dict[str, Callable[[int], Model]] = {
    "real digits": lambda seed: draw_real(),
    "GAN": lambda seed: train_gan(seed, GAN_STEPS),
    "VAE": lambda seed: train_vae(seed, VAE_STEPS),
    "VAE, redrawn": lambda seed: redraw(seed, VAE_STEPS),
    "VAE, mixture": lambda seed: refit_prior(seed, VAE_STEPS),
    "VAE, z of 2": lambda seed: train_vae(seed, VAE_STEPS, 2),
    "VAE, z of 64": lambda seed: train_vae(seed, VAE_STEPS, 64),
    "GAN, z of 64": lambda seed: train_gan(seed, GAN_STEPS, 64),
    "PCA-Gaussian": lambda seed: fit_codes(None),
    "KDE, likeliest": lambda seed: fit_codes(*likeliest()),
    "KDE, narrow": lambda seed: fit_codes(NARROW),
    "GAN, longer": lambda seed: train_gan(seed, LONGER * GAN_STEPS),
    "VAE, longer": lambda seed: train_vae(seed, LONGER * VAE_STEPS),
    "VAE, mixture, longer": lambda seed: refit_prior(seed, LONGER * VAE_STEPS),
}


def seeds_of(name: str) -> tuple[int, ...]:
    """Return the training seeds of a model; the long runs have three."""
    return SEEDS[:3] if name.endswith("longer") else SEEDS


def measure(model: Model, seed: int) -> dict[str, float]:
    """Judge 5,000 samples of a model, and its reconstructions.

    Args:
        model: what was trained.
        seed: of the samples.

    Returns:
        Scores by name; of a VAE also SSIM and PSNR of reconstructions, the
        ELBO, and how many latent units are active.
    """
    images, _ = data.load("holdout")
    real = metrics.judge(images)
    x_fake = model.draw(len(images), seed)
    scores = metrics.score_samples(x_fake, real)
    values = {"seconds": model.seconds} | {k: scores[k] for k in METRICS}
    sharp, real_sharp = [
        metrics.laplacian_variance(x).mean() for x in (x_fake, images)
    ]
    values["sharpness"] = sharp / real_sharp
    if model.vae:
        values |= measure_codes(model.vae, images[:N_BINARY], seed)
    return {name: float(f"{value:.4g}") for name, value in values.items()}


def measure_codes(
    model: keras.Model, images: np.ndarray, seed: int
) -> dict[str, float]:
    """Measure what a VAE makes of images; see `measure`."""
    x = np.asarray(vae.binarise(images, BINARY_SEED, 0))
    mean, _ = vae.encode(model, x)
    again = vae.mean_images(model, mean)
    return {
        "ssim": metrics.ssim(again, images).mean(),
        "psnr": metrics.psnr(again, images).mean(),
        "elbo": vae.weigh(model, x, N_DRAWS, seed).mean(),
        "active": vae.active_units(mean),
    }


def go_on() -> None:
    """Do the runs that are not in the file yet.

    Raises:
        DataError: the full MNIST is not at hand.
    """
    data.need_full("This study")
    about = {
        "command": "python -m studies.model_study",
        "protocol": "5,000 samples v holdout, full MNIST; ELBO, SSIM and "
        f"PSNR on {N_BINARY:,} images of holdout",
        "machine": runtime.machine(),
        "steps": {"GAN": GAN_STEPS, "VAE": VAE_STEPS, "longer": LONGER},
    }
    record = Record(RESULTS, about, ("model", "seed"), [*MODELS])
    for name, make in MODELS.items():
        for seed in seeds_of(name):
            if (name, seed) not in record:
                values = measure(make(seed), seed)
                record.add({"model": name, "seed": seed} | values)


def main() -> None:
    """Go on with the record, unless another run does."""
    with alone(RESULTS):
        go_on()


if __name__ == "__main__":
    main()
