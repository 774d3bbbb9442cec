"""Graphs of neurons: what kind of network they are, and the chain rule over them."""
