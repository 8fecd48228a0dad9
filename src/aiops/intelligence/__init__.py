"""Detection and explanation over what the collector can measure."""
