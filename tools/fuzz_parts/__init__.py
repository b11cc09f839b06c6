"""What the fuzzer tries, one file a kind."""
