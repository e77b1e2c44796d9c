"""Win rates from judged pairs of answers: how often, how sure, how much of it is length or place."""
