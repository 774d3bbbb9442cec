"""What it costs to move one sample onto another, and what a critic can say of that."""
