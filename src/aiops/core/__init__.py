"""What every module stands on. Knows nothing of the product: no clusters, alerts or queries live here."""
