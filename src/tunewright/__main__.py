"""`python -m tunewright`, the same as the command `tunewright`."""

from tunewright.cli.main import main

if __name__ == "__main__":  # processes that tune arms import this file too
    main()
