"""A study in which people rate systems blind: design, files, lock, adjudication, results."""
