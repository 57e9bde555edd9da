"""The kit as one folder for machines without a network: `make offline-kit`."""
