"""A run: from the pictures to the result, and back from its folder."""
