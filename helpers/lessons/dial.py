"""Lesson 06: one z turned through ten classes, with the arrow keys."""

import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np

from helpers.backend import keras
from helpers.lessons import conditional


class Dial:
    """Turn one z through ten classes; the arrow keys do it.

    Attributes:
        images: (n, 10, 28, 28, 1), of each z all ten classes.
    """

    def __init__(self, generator: keras.Model, z: np.ndarray) -> None:
        """Draw all pictures beforehand, so that turning is quick.

        Args:
            generator: takes z with a label.
            z: (n, latent_dim).
        """
        orders = np.arange(conditional.N_CLASSES)
        rows = [
            conditional.draw(generator, z[k : k + 1], orders)
            for k in range(len(z))
        ]
        self.images = np.stack(rows)

    def png(self, k: int, y: int) -> bytes:
        """Return the picture of class y for the k-th z, enlarged, as PNG."""
        buffer = io.BytesIO()
        large = np.kron(self.images[k, y, ..., 0], np.ones((8, 8)))
        plt.imsave(buffer, large, cmap="gray", vmin=-1, vmax=1, format="png")
        return buffer.getvalue()

    def widget(self) -> widgets.VBox:
        """Return a picture below two numbers, of the class and of z.

        Numbers and not sliders, as those have no name for a screen reader.
        """
        picture = widgets.Image(value=self.png(0, 0), width=224)
        last = len(self.images) - 1
        y = widgets.BoundedIntText(description="digit", max=9)
        z = widgets.BoundedIntText(description="z", max=last)

        def refresh(_: object) -> None:
            picture.value = self.png(z.value, y.value)

        for number in (y, z):
            number.observe(refresh, "value")
        return widgets.VBox([y, z, picture])
