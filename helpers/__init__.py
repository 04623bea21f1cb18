"""What the lessons have taught, ready to import.

Importing the package starts TensorFlow quietly: the lines it writes at
start-up carry times and thread numbers, so a stored notebook would never
match its next run.
"""

from helpers.runtime import start_tensorflow

start_tensorflow()
