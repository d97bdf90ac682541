"""The ways to forecast, with their names and words. Nothing here needs NumPy or pandas, which take long to load."""

STATES = {"carried": "carried from the start of the series", "reset": "reset at every window"}
"""The two ways to deploy a network: with its states carried or reset."""

BASELINES = {
    "input": "the input itself",
    "mean": "the mean of the training part",
    "previous_target": "the target one sample before",
}
"""Forecasts that need no network. Each is there only where it can be made when the forecast is due."""


def column(case: str, states: str) -> str:
    """Return the name of the column with a case's forecasts.

    >>> column("single_fit", "carried")
    'single_fit/carried'
    """
    return f"{case}/{states}"
