"""Checkers of the exercises: `lesson_NN.exercise_k(answer)`."""
