"""What the images are."""
