"""Forecasts of the held-out part of the series by the trained networks, and their errors."""
