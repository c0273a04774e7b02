"""A short soak: what a long one looks for, within seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.torture.soak import Sample, faults_found, soak

pytestmark = pytest.mark.long

FLAT = [Sample(tick, 90_000, 30, 5, 0, 500_000 + 500 * tick, tick) for tick in range(10, 5001, 50)]


def test_many_ticks_with_faults_leave_nothing_behind() -> None:
    """Memory, descriptors, threads and processes are flat; the state grows with the journal alone."""
    run = soak(100)
    assert faults_found(run.samples) == []
    assert run.outcomes["success"] > 20
    assert run.deeds["imported"] > 20
    assert run.deeds["outcome-unknown"] > 0


def test_a_leak_is_seen() -> None:
    """Of each kind, were it one a hundred ticks."""
    assert faults_found(FLAT) == []
    leaks = {
        "memory": [replace(s, memory=s.memory + 20 * s.tick) for s in FLAT],
        "descriptors": [replace(s, descriptors=s.descriptors + s.tick // 100) for s in FLAT],
        "threads": [replace(s, threads=s.threads + s.tick // 100) for s in FLAT],
        "child processes": [replace(s, children=s.tick // 2500) for s in FLAT],
        "the state": [replace(s, state=s.state * 100) for s in FLAT],
    }
    for name, samples in leaks.items():
        (fault,) = faults_found(samples)
        assert fault.startswith(name)
