"""`carryover new`: looking at a CSV file as it is, and writing a file of parameters that fits it."""
