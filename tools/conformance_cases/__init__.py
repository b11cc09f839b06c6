"""The golden cases that the zoo implements, each as a function from a `Case` to named outputs."""
