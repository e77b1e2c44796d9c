"""Tunewright: make instruction data better, and prove what that did to the model tuned on it.

The packages tell the story in order: `records`, `generate`, `tune`, `evaluate`, `report`. Importing this
package imports none of them, so that `tunewright --help` stays fast.
"""

__version__ = "0.1.0"
