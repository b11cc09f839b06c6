"""How far what is exported may be from the model, and on how many pictures that is found out."""

LIMIT = 1e-5  # of the output's scale: what rounding alone can do
RUNTIME = 1e-4  # the same, where another runtime rounds in another order, layer upon layer
ROWS = 4  # pictures, and texts, that are compared
