"""What can be seen of a training set-up in one step that is undone again."""
