"""A tuned model as a plain one of timm or open_clip: what grafts do is folded into the weights they stand at."""
