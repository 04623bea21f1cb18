"""Ways to play the game, for points of the plane and for digits.

A way is a loss, a penalty and a few settings. The points are learnt by several
seeds side by side: their weights lie in one array, and since every operation
treats them apart, and Adam each weight alone, no run knows of another.
"""

import dataclasses
import itertools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from helpers.backend import keras, ops, tf
from helpers.lessons import stability

Pair = tuple[tf.Tensor, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Way:
    """One way to play.

    Attributes:
        loss: one of `losses`.
        r1, r2: weight of the mean squared slope of D at real and at generated
            points, halved (Mescheder et al., arXiv:1801.04406).
        lipschitz: weight of the penalty of WGAN-GP (Gulrajani et al.,
            arXiv:1704.00028, equation 3).
        spectral: D's matrices are divided by their largest singular value
            (Miyato et al., ICLR 2018).
        d_steps: steps of D for one of G.
        g_rate: G's learning rate as a share of D's (Heusel et al.,
            arXiv:1706.08500).
        smooth: what D's target for real points is below 1 (Salimans et al.,
            arXiv:1606.03498, section 3.4); points alone.
        batch: real points a step; points alone.
        latent_dim: numbers in z; points alone.
    """

    loss: str = "non-saturating"
    r1: float = 0.0
    r2: float = 0.0
    lipschitz: float = 0.0
    spectral: bool = False
    d_steps: int = 1
    g_rate: float = 1.0
    smooth: float = 0.0
    batch: int = 128
    latent_dim: int = 2


def losses(loss: str, real: tf.Tensor, fake: tf.Tensor) -> Pair:
    """Return the losses of D and of G, one for each pair of logits.

    Args:
        loss: saturating, non-saturating (Goodfellow et al.,
            arXiv:1406.2661), least squares (Mao et al., arXiv:1611.04076),
            Wasserstein (Arjovsky et al., arXiv:1701.07875) or relativistic
            (Jolicoeur-Martineau, arXiv:1807.00734).
        real: D's logits of real points.
        fake: of as many generated ones.

    Raises:
        ValueError: there is no such loss.
    """
    plain = ops.softplus(-real) + ops.softplus(fake)
    squares = ops.square(real - 1) + ops.square(fake)
    ahead = real - fake
    pairs = {
        "saturating": (plain, -ops.softplus(fake)),
        "non-saturating": (plain, ops.softplus(-fake)),
        "least squares": (squares / 2, ops.square(fake - 1) / 2),
        "Wasserstein": (-ahead, -fake),
        "relativistic": (ops.softplus(-ahead), ops.softplus(ahead)),
    }
    if loss not in pairs:
        raise ValueError(f"{loss!r} is no loss; there are {', '.join(pairs)}.")
    return pairs[loss]


class Points:
    """Runs of several seeds on points of the plane, side by side.

    Args:
        way: how they play.
        modes: what they learn.
        seeds: of the runs.
        rate: Adam's learning rate, of D.
        beta_1: Adam's, both networks.
        width: of the two hidden layers of either network.
    """

    def __init__(
        self,
        way: Way,
        modes: stability.Modes,
        seeds: tuple[int, ...],
        rate: float,
        beta_1: float,
        width: int = 64,
    ) -> None:
        """Draw the weights and trace nothing yet."""
        self.way, self.modes, self.seeds = way, modes, seeds
        self.g = self.weights((way.latent_dim, width, width, 2), 0)
        self.d = self.weights((2, width, width, 1), 1)
        self.u = [keras.Variable(ops.ones(w.shape[:2])) for w in self.d[::2]]
        rates = {"g": rate * way.g_rate, "d": rate}
        self.adam = {
            k: keras.optimizers.Adam(r, beta_1, 0.999)
            for k, r in rates.items()
        }
        self.adam["g"].build(self.g)
        self.adam["d"].build(self.d)
        self.step = tf.Variable(0, dtype=tf.int64)

    def weights(self, sizes: tuple[int, ...], network: int) -> list[Any]:
        """Draw matrices (seeds, in, out) as Glorot does, and zero biases."""
        made = []
        for k, (a, b) in enumerate(itertools.pairwise(sizes)):
            most = np.sqrt(6 / (a + b))
            draws = [
                np.random.default_rng([s, network, k]).uniform(
                    -most, most, (a, b)
                )
                for s in self.seeds
            ]
            made.append(keras.Variable(np.stack(draws), dtype="float32"))
            made.append(keras.Variable(ops.zeros((len(self.seeds), 1, b))))
        return made

    def normed(self, move: bool) -> list[Any]:
        """Return D's weights, each matrix divided by its largest value."""
        if not self.way.spectral:
            return self.d
        made = list(self.d)
        for k, u in enumerate(self.u):
            w = self.d[2 * k]
            v = ops.normalize(ops.einsum("si,sio->so", u, w))
            new = ops.normalize(ops.einsum("sio,so->si", w, v))
            v, new = ops.stop_gradient(v), ops.stop_gradient(new)
            if move:
                u.assign(new)
            top = ops.einsum("si,sio,so->s", new, w, v)
            made[2 * k] = w / top[:, None, None]
        return made

    @staticmethod
    def network(x: tf.Tensor, weights: list[Any]) -> tf.Tensor:
        """Two hidden layers with ReLU: (seeds, n, in) -> (seeds, n, out)."""
        for k in range(0, len(weights), 2):
            x = x @ weights[k] + weights[k + 1]
            x = ops.relu(x) if k < len(weights) - 2 else x
        return x

    def key(self, turn: int, use: int) -> int:
        """Return a key of random numbers that nothing else in a step has."""
        return self.seeds[0] * 100 + turn * 10 + use

    def draw(self, n: int, turn: int, step: tf.Tensor) -> Pair:
        """Draw real and generated points, (seeds, n, 2) each."""
        s = len(self.seeds)
        uniform = tf.random.stateless_uniform(
            (s, n), (self.key(turn, 0), step)
        )
        rows = ops.cast(uniform * len(self.modes.centres), "int32")
        centres = tf.constant(self.modes.centres, tf.float32)
        noise = tf.random.stateless_normal(
            (s, n, 2), (self.key(turn, 1), step)
        )
        x = tf.gather(centres, rows) + self.modes.sd * noise
        z = tf.random.stateless_normal(
            (s, n, self.way.latent_dim), (self.key(turn, 2), step)
        )
        return x, self.network(z, self.g)

    def steepness(self, x: tf.Tensor, weights: list[Any]) -> tf.Tensor:
        """Return the squared slope of D at each point, (seeds, n)."""
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits = self.network(x, weights)
        return ops.sum(ops.square(tape.gradient(logits, x)), axis=-1)

    def penalty(
        self, x: tf.Tensor, fake: tf.Tensor, weights: list[Any], turn: int = 0
    ) -> tf.Tensor:
        """Return what the way adds to D's loss, (seeds, n)."""
        way, total = self.way, ops.zeros(x.shape[:2])
        if way.r1:
            total += way.r1 / 2 * self.steepness(x, weights)
        if way.r2:
            total += way.r2 / 2 * self.steepness(fake, weights)
        if way.lipschitz:
            key = (self.key(turn, 3), self.step)
            a = tf.random.stateless_uniform((*x.shape[:2], 1), key)
            squared = self.steepness(a * x + (1 - a) * fake, weights)
            steep = ops.sqrt(squared + 1e-12)
            total += way.lipschitz * ops.square(steep - 1)
        return total

    def move_d(self, turn: int) -> None:
        """Take one step of D."""
        x, fake = self.draw(self.way.batch, turn, self.step)
        with tf.GradientTape() as tape:
            weights = self.normed(True)
            logits = [self.network(y, weights)[..., 0] for y in (x, fake)]
            loss = losses(self.way.loss, *logits)[0]
            # softplus(r) - softplus(-r) = r
            loss += self.way.smooth * logits[0]
            loss += self.penalty(x, fake, weights, turn)
            total = ops.sum(ops.mean(loss, axis=1))
        self.adam["d"].apply(tape.gradient(total, self.d), self.d)

    def move_g(self) -> None:
        """Take one step of G, against D as it is now."""
        with tf.GradientTape() as tape:
            x, fake = self.draw(self.way.batch, 9, self.step)
            weights = self.normed(False)
            logits = (self.network(y, weights)[..., 0] for y in (x, fake))
            loss = losses(self.way.loss, *logits)[1]
            total = ops.sum(ops.mean(loss, axis=1))
        self.adam["g"].apply(tape.gradient(total, self.g), self.g)

    @tf.function
    def play(self, n_steps: tf.Tensor) -> None:
        """Take steps of G, each after those of D."""
        for _ in tf.range(n_steps):
            for turn in range(self.way.d_steps):
                self.move_d(turn)
            self.move_g()
            self.step.assign_add(1)

    def readings(
        self, n_steps: int, every: int, n: int = 4_000
    ) -> Iterator[tuple[int, float, list[dict[str, float]]]]:
        """Train; count the modes on the way.

        Args:
            n_steps: of G.
            every: so many steps.
            n: points to count.

        Yields:
            Steps of G, seconds of training, and a count for each seed.
        """
        self.play(tf.constant(0))  # traced
        seconds = 0.0
        while (k := int(self.step)) < n_steps:
            start = time.perf_counter()
            self.play(tf.constant(min(every, n_steps - k)))
            done = int(self.step)
            seconds += time.perf_counter() - start
            _, points = self.draw(n, 8, tf.constant(10**9, tf.int64))
            counts = [
                stability.count(p, self.modes)
                for p in ops.convert_to_numpy(points)
            ]
            yield done, seconds, counts
