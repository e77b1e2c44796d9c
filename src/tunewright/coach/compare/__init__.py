"""Two versions of a data set side by side: what changed, how much, and whether it is better."""
