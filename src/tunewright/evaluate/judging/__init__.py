"""Judges: which of two answers is better, or how good one is, asked of models and kept with every reply."""
