"""What all tests share."""

from __future__ import annotations

import signal

# A shell starts what runs in its background with Ctrl-C ignored, and Python leaves it so: tests that press it
# would wait for ever.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
