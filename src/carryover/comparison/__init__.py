"""Comparing the cases: claims, where two cases part, the distance from 2017, the metrics and the verdict."""
