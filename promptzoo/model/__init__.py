"""What a model is made of: its sites, its contract, heads, losses, texts, and the step that trains it."""
