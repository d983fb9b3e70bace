"""Cases for modules that other compilers than Go made: make test-modules."""
