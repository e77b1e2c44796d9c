"""What tuning did: losses on the same examples, paired differences with intervals, memorisation, answers."""
