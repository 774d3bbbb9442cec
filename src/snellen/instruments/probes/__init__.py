"""What features are worth: exact nearest neighbours, votes, similarity, and the controls they are held against."""
