"""How exact PromQL is: random queries against a real Prometheus of either generation. Prints one JSON object.

`nox -s bench -- promql --cases 10000 --seed 1`. Ends with 1 if any answer was wrong; the same seed asks the same again.
"""
