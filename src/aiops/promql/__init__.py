"""PromQL as a language: parse, serialize, plan for a fleet, evaluate. Pure: no I/O, and nothing else of the product."""
