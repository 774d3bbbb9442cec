"""How varied, how like the real ones and how new pictures are that a generator made."""
