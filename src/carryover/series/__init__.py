"""The series that the networks learn: made or read, divided, standardized, cut into windows, put into batches."""
