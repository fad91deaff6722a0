"""Which items are copies of others, or nearly so."""
