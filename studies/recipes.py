"""The recipes that the benchmark trains, each an entry of its facts.

Recipes from elsewhere are written afresh from what their sources state and
scaled to 28x28 where they were made for another size; the entry says how.
All are trained on the same images, in the same order for the same seed.
"""

import dataclasses
from collections.abc import Callable

from helpers.backend import keras, layers, ops, tf
from helpers.lessons import dcgan


@dataclasses.dataclass(frozen=True)
class Entry:
    """One recipe of the benchmark.

    Attributes:
        title: for tables and figures.
        facts: where they come from, and what was scaled.
        recipe: settings; the benchmark replaces the seed.
        build: builds networks and optimisers of a recipe.
        take_step: one step, before compilation.
        unit: its generator draws in [0, 1], so D is shown such images.
        epochs: number of epochs after each of which it is measured, 0 to be
            measured at fixed seconds.
    """

    title: str
    facts: str
    recipe: dcgan.Recipe
    build: Callable[[dcgan.Recipe], dcgan.Gan] = dcgan.build_gan
    take_step: Callable = dcgan.train_step
    unit: bool = False
    epochs: int = 0


# Networks


def build_light(recipe: dcgan.Recipe) -> dcgan.Gan:
    """The course's first light network: no hidden dense layer in D."""
    # Written out, and not built by helpers: this is the mark that the
    # course's networks are measured against, and must not move with them.
    slope = {"negative_slope": 0.2}

    def discriminator() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(32, 4, strides=2, padding="same"),
                layers.LeakyReLU(**slope),
                layers.Conv2D(64, 4, strides=2, padding="same"),
                layers.LeakyReLU(**slope),
                layers.Flatten(),
                layers.Dense(1),
            ]
        )

    def generator() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((recipe.latent_dim,)),
                layers.Dense(7 * 7 * 64, use_bias=False),
                layers.Reshape((7, 7, 64)),
                layers.BatchNormalization(momentum=0.9),
                layers.ReLU(),
                layers.Conv2DTranspose(
                    32, 4, strides=2, padding="same", use_bias=False
                ),
                layers.BatchNormalization(momentum=0.9),
                layers.ReLU(),
                layers.Conv2DTranspose(
                    1, 4, strides=2, padding="same", activation="tanh"
                ),
            ]
        )

    return dcgan.assemble(recipe, generator, discriminator)


def build_paper(recipe: dcgan.Recipe) -> dcgan.Gan:
    """DCGAN (arXiv:1511.06434), two doublings from 7x7 for four from 4x4."""
    normal = keras.initializers.RandomNormal
    width = 5  # of the kernels, as in the code of its authors

    def kernel() -> dict:
        return {"kernel_initializer": normal(0, 0.02), "padding": "same"}

    def generator() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((recipe.latent_dim,)),
                layers.Dense(7 * 7 * 256, kernel_initializer=normal(0, 0.02)),
                layers.Reshape((7, 7, 256)),
                layers.BatchNormalization(momentum=0.9),
                layers.ReLU(),
                layers.Conv2DTranspose(128, width, strides=2, **kernel()),
                layers.BatchNormalization(momentum=0.9),
                layers.ReLU(),
                layers.Conv2DTranspose(
                    1, width, strides=2, activation="tanh", **kernel()
                ),
            ]
        )

    def discriminator() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(64, width, strides=2, **kernel()),
                layers.LeakyReLU(negative_slope=0.2),
                layers.Conv2D(128, width, strides=2, **kernel()),
                layers.BatchNormalization(momentum=0.9),
                layers.LeakyReLU(negative_slope=0.2),
                layers.Flatten(),
                layers.Dense(1, kernel_initializer=normal(0, 0.02)),
            ]
        )

    return dcgan.assemble(recipe, generator, discriminator)


def build_tutorial(recipe: dcgan.Recipe) -> dcgan.Gan:
    """TensorFlow's tutorial, made for 28x28."""

    def paint(maps: int, strides: int, **options: str) -> layers.Layer:
        return layers.Conv2DTranspose(
            maps, 5, strides=strides, padding="same", use_bias=False, **options
        )

    def generator() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((recipe.latent_dim,)),
                layers.Dense(7 * 7 * 256, use_bias=False),
                layers.BatchNormalization(),
                layers.LeakyReLU(),
                layers.Reshape((7, 7, 256)),
                paint(128, strides=1),
                layers.BatchNormalization(),
                layers.LeakyReLU(),
                paint(64, strides=2),
                layers.BatchNormalization(),
                layers.LeakyReLU(),
                paint(1, strides=2, activation="tanh"),
            ]
        )

    def discriminator() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(64, 5, strides=2, padding="same"),
                layers.LeakyReLU(),
                layers.Dropout(0.3),
                layers.Conv2D(128, 5, strides=2, padding="same"),
                layers.LeakyReLU(),
                layers.Dropout(0.3),
                layers.Flatten(),
                layers.Dense(1),
            ]
        )

    return dcgan.assemble(recipe, generator, discriminator)


def build_keras_example(recipe: dcgan.Recipe) -> dcgan.Gan:
    """Keras's DCGAN example for 64x64, one stage fewer, from 7x7."""

    def slope() -> layers.Layer:
        return layers.LeakyReLU(negative_slope=0.2)

    def generator() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((recipe.latent_dim,)),
                layers.Dense(7 * 7 * 128),
                layers.Reshape((7, 7, 128)),
                layers.Conv2DTranspose(128, 4, strides=2, padding="same"),
                slope(),
                layers.Conv2DTranspose(256, 4, strides=2, padding="same"),
                slope(),
                layers.Conv2D(1, 5, padding="same", activation="sigmoid"),
            ]
        )

    def discriminator() -> keras.Model:
        return keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(64, 4, strides=2, padding="same"),
                slope(),
                layers.Conv2D(128, 4, strides=2, padding="same"),
                slope(),
                layers.Flatten(),
                layers.Dropout(0.2),
                layers.Dense(1),
            ]
        )

    return dcgan.assemble(recipe, generator, discriminator)


# Steps


def cross_entropy(logits: tf.Tensor, target: object) -> tf.Tensor:
    """Binary cross-entropy of logits against targets, mean in nats."""
    return ops.mean(ops.softplus(logits) - target * logits)


def squares(logits: tf.Tensor, target: object) -> tf.Tensor:
    """Least squares (arXiv:1611.04076): mean squared distance."""
    return ops.mean(ops.square(logits - target))


def draw_z(shape: tuple, seed: tuple, uniform: bool) -> tf.Tensor:
    """Draw z, uniform in [-1, 1] or normal; the same seed, the same z."""
    if uniform:
        return tf.random.stateless_uniform(shape, seed, -1, 1)
    return tf.random.stateless_normal(shape, seed)


@dataclasses.dataclass(frozen=True)
class PublishedStep:
    """The step of a recipe from elsewhere; target 1 is real.

    Attributes:
        joint: real and generated images go through D in one pass.
        at_once: both gradients are taken before either update, with one z;
            otherwise in turn, with a z for each.
        uniform: z is uniform in [-1, 1], not normal.
        label_noise: D's targets are moved by up to this, outwards for
            generated and inwards for real images, as in the Keras example.
        loss: of logits and targets.
    """

    joint: bool = False
    at_once: bool = False
    uniform: bool = False
    label_noise: float = 0.0
    loss: Callable = cross_entropy

    def draw(self, gan: dcgan.Gan, n: tf.Tensor, turn: int) -> tf.Tensor:
        """Draw n images in training mode, with a z of its own each turn."""
        shape = (n, gan.recipe.latent_dim)
        z = draw_z(shape, (gan.recipe.seed + turn, gan.step), self.uniform)
        return gan.generator(z, training=True)

    def noise(self, gan: dcgan.Gan, n: tf.Tensor, turn: int) -> tf.Tensor:
        """Draw what the targets are moved by."""
        seed = (gan.recipe.seed + turn, gan.step)
        return self.label_noise * tf.random.stateless_uniform((n, 1), seed)

    def logits(
        self, gan: dcgan.Gan, x_real: tf.Tensor, x_fake: tf.Tensor
    ) -> list[tf.Tensor]:
        """Show D both halves, in one pass or in two."""
        if self.joint:
            x_both = ops.concatenate([x_real, x_fake])
            return ops.split(gan.discriminator(x_both, training=True), 2)
        return [gan.discriminator(x, training=True) for x in (x_real, x_fake)]

    def __call__(
        self, gan: dcgan.Gan, x_real: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        """Take one step; return what `dcgan.train_step` returns."""
        n = ops.shape(x_real)[0]
        d_weights = gan.discriminator.trainable_variables
        g_weights = gan.generator.trainable_variables
        with tf.GradientTape(persistent=True) as tape:
            x_fake = self.draw(gan, n, 0)
            logits_real, logits_fake = self.logits(gan, x_real, x_fake)
            d_loss = self.loss(logits_real, 1 - self.noise(gan, n, 2))
            d_loss += self.loss(logits_fake, -self.noise(gan, n, 3))
            g_loss = self.loss(logits_fake, 1)
        d_gradients = tape.gradient(d_loss, d_weights)
        if self.at_once:
            g_gradients = tape.gradient(g_loss, g_weights)
        gan.d_optimizer.apply(d_gradients, d_weights)
        if not self.at_once:
            with tf.GradientTape() as turn:
                x_fake = self.draw(gan, n, 1)
                g_loss = self.loss(gan.discriminator(x_fake, training=True), 1)
            g_gradients = turn.gradient(g_loss, g_weights)
        gan.g_optimizer.apply(g_gradients, g_weights)
        if gan.average is not gan.generator:
            dcgan.update_average(gan)
        d_real = ops.mean(ops.sigmoid(logits_real))
        d_fake = ops.mean(ops.sigmoid(logits_fake))
        return d_loss, g_loss, d_real, d_fake


ENTRIES = {
    "course": Entry(
        "this course",
        "lesson 03, the recipe of the live run",
        dcgan.Recipe(seed=0),
    ),
    "momentum": Entry(
        "this course, beta_1 0.5",
        "the recipe of the live run as it was before, with DCGAN's beta_1",
        dcgan.Recipe(seed=0, beta_1=0.5),
    ),
    "light": Entry(
        "first light network",
        "least squares, no penalty, no hidden layer in D; Adam's default "
        "beta_2",
        dcgan.Recipe(seed=0, learning_rate=1e-3, beta_1=0.5, beta_2=0.999),
        build_light,
        PublishedStep(joint=True, loss=squares),
    ),
    "dcgan_paper": Entry(
        "DCGAN paper, scaled",
        "arXiv:1511.06434, section 4: batch 128, Adam 0.0002 with beta_1 of "
        "0.5, uniform z, normal weights of 0.02; kernels of 5 as in the code "
        "of its authors; two doublings from 7x7 for four from 4x4",
        dcgan.Recipe(
            seed=0,
            latent_dim=100,
            batch_size=128,
            learning_rate=2e-4,
            beta_1=0.5,
            beta_2=0.999,
            ema_decay=0.0,
        ),
        build_paper,
        PublishedStep(uniform=True),
    ),
    "tensorflow_tutorial": Entry(
        "TensorFlow tutorial",
        "tensorflow.org/tutorials/generative/dcgan; a last batch of fewer "
        "images draws fewer z, where the tutorial draws 256",
        dcgan.Recipe(
            seed=0,
            latent_dim=100,
            batch_size=256,
            learning_rate=1e-4,
            beta_1=0.9,
            beta_2=0.999,
            ema_decay=0.0,
        ),
        build_tutorial,
        PublishedStep(at_once=True),
        epochs=10,
    ),
    "keras_example": Entry(
        "Keras example, scaled",
        "keras.io/examples/generative/dcgan_overriding_train_step, made for "
        "64x64 in colour: one stage fewer in both networks, from 7x7; its "
        "noise on labels kept",
        dcgan.Recipe(
            seed=0,
            latent_dim=128,
            batch_size=32,
            learning_rate=1e-4,
            beta_1=0.9,
            beta_2=0.999,
            ema_decay=0.0,
        ),
        build_keras_example,
        PublishedStep(joint=True, label_noise=0.05),
        unit=True,
    ),
}
