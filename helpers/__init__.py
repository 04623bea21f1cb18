"""What the lessons have taught, ready to import.

A module that needs Keras or TensorFlow takes them from `helpers.backend`,
which starts them quietly; the others start in a moment.
"""
