"""Forecasts of trained networks on the part of the series that none of them has seen, and their errors."""
