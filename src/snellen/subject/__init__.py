"""What is examined: a network and images."""
