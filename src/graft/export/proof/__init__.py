"""Whether a graph answers as its model does: golden items, both answers to them, how far those are apart."""
