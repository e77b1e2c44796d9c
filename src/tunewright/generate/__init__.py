"""Instruction data from the embedded source: item models, validity rules, and the hand-written seeds."""
