"""Networks: architectures, how models are saved, and how they are run."""
