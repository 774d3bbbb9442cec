"""Plan and run: which checks, with what budget, from which seed."""
