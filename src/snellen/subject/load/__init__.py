"""From what the user wrote to a network or to images: one file per kind of specification."""
