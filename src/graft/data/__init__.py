"""Items and data sets, and their division into parts."""
