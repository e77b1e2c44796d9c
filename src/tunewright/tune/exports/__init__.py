"""Exact token ids, labels and weights for another trainer, with a config that it accepts."""
