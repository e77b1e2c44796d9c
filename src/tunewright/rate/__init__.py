"""How good records are: detectors of defects, which need no model, and ratings by models or people."""
