"""Fine-tuning that has to earn its place: the only loops that touch the weights of an encoder."""
