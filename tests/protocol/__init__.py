"""Every interleaving of the import protocol, searched through by a small model of it."""
