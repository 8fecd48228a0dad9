"""Language models. Everything in here is optional: the product measures, ranks and reports without any."""
