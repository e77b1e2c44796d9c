"""Asking language models: one request, one reply, one loop that loses nothing, and the places that answer."""
