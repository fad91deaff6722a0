"""From texts to a graph's inputs without Graft: a tokenizer in plain Python and in JavaScript, and its tables."""
