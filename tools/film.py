"""The film of the site's front page: python -m tools.film.

Trains lesson 03's recipe for half a minute and writes docs/site/film.png, an
animation (APNG) of the same forty z, and its last frame, film_end.png.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from helpers import data, training, views
from helpers.lessons import dcgan

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "site"
N_STEPS, N_FRAMES, COLUMNS = 2000, 72, 10
FRAME, HOLD = 90, 4000  # milliseconds of a frame, and of the last one
LARGEST = 1_000_000  # bytes


def main() -> None:
    """Train, and write both files."""
    recipe = dcgan.Recipe(seed=3)
    gan = dcgan.build_gan(recipe)
    z = training.sample_z(40, recipe.latent_dim, seed=0, step=0)
    # Most happens early, so the frames lie closer there.
    steps = np.unique(np.geomspace(1, N_STEPS, N_FRAMES).astype(int))
    frames = [gan.draw(z)]

    def keep(run: training.Run) -> None:
        if run.step in steps:
            frames.append(run.draw(z))

    x_train, _ = data.load("train")
    training.fit(gan, x_train, N_STEPS, callback=keep)
    pictures = [
        Image.fromarray(np.uint8(7.99 * (views.tile(x, COLUMNS) + 1)) * 17)
        for x in frames
    ]  # sixteen greys, for a small file
    first, *others = pictures
    times = [FRAME] * len(others) + [HOLD]
    film = FOLDER / "film.png"
    first.save(film, save_all=True, append_images=others, duration=times)
    others[-1].save(FOLDER / "film_end.png", optimize=True)
    size = film.stat().st_size
    assert size < LARGEST, f"{film}: {size} bytes; keep fewer frames"
    print(f"{film}: {len(pictures)} frames, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
