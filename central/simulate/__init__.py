"""Simulated centres through the real wire format: for load, for boards, for rules."""
