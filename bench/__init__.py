"""Benchmarks: what a call, a sync and a load cost, beside a peer or a floor measured in the same run.

Belongs here: harnesses, a generator of data, peers. May not know: how to make a figure look better. Every harness
starts its own servers, checks what they answer, and stops them.
"""

from __future__ import annotations
