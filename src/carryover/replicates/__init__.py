"""Replicates: the same training from many seeds, many at once, and what they say of it together."""
