"""Decisions about items: kept, merged, matched to the data."""
