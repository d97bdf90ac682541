"""The parameters of a run: checked, and handed to the steps as options of their command lines."""
