"""Floor 0: what a hub and a laptop must agree on, byte for byte.

Belongs here: identifiers, versions, lexical forms, digests, change operations, merge, the sync session, limits and
the catalogue of errors. May not know: I/O, clocks, randomness, XML libraries, any package above. It ships in the
client.
"""
