"""Images cut into pieces and shuffled: how they are cut, matched at their edges, and put together again."""
