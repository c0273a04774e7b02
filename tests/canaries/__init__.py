"""Canaries: secrets that are searched for wherever the program prints or writes, whatever goes wrong."""

from __future__ import annotations
