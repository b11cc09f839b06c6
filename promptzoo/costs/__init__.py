"""What a combination costs: parameters, operations, memory and speed."""
