"""The exception that the steps turn into one line for the user."""


class UserError(Exception):
    """An error that the user can fix. Its message is one line: where, what is wrong, and what to do."""
