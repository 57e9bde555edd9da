"""What can be trusted of a network's outputs, worked out from its layers."""
