"""What the fault bench is made of: architectures, faults, healthy controls and random healthy networks."""
