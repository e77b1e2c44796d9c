"""Numbered steps from an empty database to today's tables; `migrate` takes those that are missing."""
