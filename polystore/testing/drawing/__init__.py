"""Whole queries drawn at random: values that collide, expressions, conditions, chains, terminals, and their judge."""
