"""Standard tasks with lm-evaluation-harness: suites, preflight, run, results in our schema, paired arms."""
