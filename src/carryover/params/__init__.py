"""The parameters of a run: checking them, and turning them into options of the steps' command lines."""
