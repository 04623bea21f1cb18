"""Keras and TensorFlow, started without their noise: import them from here.

The lines that TensorFlow writes at start-up carry times and thread numbers,
so a stored notebook would never match its next run.
"""

from helpers import runtime

runtime.start_tensorflow()

import keras  # noqa: E402, F401
import tensorflow as tf  # noqa: E402, F401
from keras import layers, ops  # noqa: E402, F401
