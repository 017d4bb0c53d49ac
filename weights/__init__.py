"""The sets of weights that travel with the program, a folder each: weights and config.json."""
