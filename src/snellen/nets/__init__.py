"""Networks that we build: one file each, from its paper."""
