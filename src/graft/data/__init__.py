"""Reading, decoding and splitting: from what the user has to arrays and row indices."""
