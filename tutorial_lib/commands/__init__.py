"""Command line of the library: patches, train, export and map, and a demonstration."""
