"""Every error that a user can cause, under one base class.

A message says what was found, where, and what to do about it; the command line prints it alone, without
a traceback. Each class also is the standard error it stands for, so library users can catch either.
To add one: derive from `TunewrightError` and the closest built-in, and name the situation, not the module.
"""

from __future__ import annotations


class TunewrightError(Exception):
    """Something the user can mend; the message says how."""


class DataError(TunewrightError, ValueError):
    """A data file cannot be read at all (single broken rows become rejects instead)."""


class RecipeError(TunewrightError, ValueError):
    """A recipe or a setting is wrong."""


class RunFolderError(TunewrightError, OSError):
    """A run folder is in use, full, unwritable, or holds something else."""


class ModelError(TunewrightError, ValueError):
    """A model or its tokenizer cannot be used as asked."""


class BudgetReached(ModelError):
    """The next call of a model could overrun the budget; what was asked so far is kept."""


class TemplateError(ModelError):
    """A chat template's roles cannot be proved for a conversation."""


class ProcessLost(TunewrightError, RuntimeError):
    """Another process of a run on several devices ended or hangs; the run goes on from its checkpoint."""


class ItemError(TunewrightError, ValueError):
    """An assessment item breaks a hard validity rule."""
