"""Replicates: the same training from many seeds, trained many at once, and their statistics."""
