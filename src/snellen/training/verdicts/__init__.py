"""What is said of a training: one finding a file."""
