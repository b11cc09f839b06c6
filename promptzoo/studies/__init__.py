"""Recipes side by side: trained under one protocol over several seeds, ranked, and told apart where they can be."""
