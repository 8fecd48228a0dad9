"""The single entry: identity, tokens, routing to the roles, aggregated health."""
