"""What one lesson taught and another imports, one module a topic."""
