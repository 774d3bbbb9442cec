"""How well it sees."""
