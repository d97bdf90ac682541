"""The series that is learned: made or read, divided, standardized, cut into windows and put into batches."""
