"""The report: one self-contained page for a run, from what its folder holds; `stage.report` writes it."""
