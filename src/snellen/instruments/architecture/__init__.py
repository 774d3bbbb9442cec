"""How a network is built: its layers, their costs, their graph, what each unit can see."""
