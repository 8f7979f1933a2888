"""Roll out a policy change: a YAML program spec becomes tracked work, gate by gate."""
