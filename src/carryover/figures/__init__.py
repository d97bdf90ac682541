"""The figures: each module draws one; style.py has what they share, groups.py sorts the cases by training."""

FIGURES = {
    "losses": "Loss per epoch",
    "equality": "Who equals whom",
    "loss_differences": "Loss differences",
    "predictions": "What each case predicts",
    "replicates": "The luck of the seed",
    "errors": "Errors on unseen data",
    "forecasts": "Forecasts on unseen data",
}
"""The title of each figure in the report, by the name of its files, in the order in which they are shown."""
