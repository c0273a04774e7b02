"""One module for each edition of the vendor's documents; each holds an `EDITION`."""
