"""The one exception that the steps turn into a line for the user."""


class UserError(Exception):
    """A mistake that the user can mend. Its message is one line: what, where, and what to do."""
