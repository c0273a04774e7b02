"""GitOps for model registries: declare a model in git, and it is imported exactly once."""

__version__ = "0.1.0"
