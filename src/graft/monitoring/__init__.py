"""A model that is watched: what it answered is kept as a log, and the log is asked what has changed."""
