"""One objective, one verifier, one judge and one gate, each in a module of its own."""
