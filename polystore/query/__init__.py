"""From calls to a plan: the vocabulary, lookups, planner, the reference evaluator. Pure."""
