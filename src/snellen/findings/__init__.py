"""What was seen: frozen values, no torch, no figures."""
