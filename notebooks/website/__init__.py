"""The pages of `make html` around the notebooks: start, texts, reference and search."""
