"""Where the figures in the README come from: one command for each, on this machine, in one run."""
