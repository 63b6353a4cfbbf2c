"""A digital music shop on three kinds of store at once: real data, real questions, one set of models."""
