"""What answers: features, linear scores, words, calibration, prediction sets and what is unknown."""
