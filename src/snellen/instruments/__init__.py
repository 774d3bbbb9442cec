"""Mathematics from tensors to tensors: no thresholds, no files, no pictures; one file is one method."""
