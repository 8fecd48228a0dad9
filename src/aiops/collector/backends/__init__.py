"""What members speak: one file per API."""
