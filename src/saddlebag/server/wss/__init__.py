"""WS-Security 1.1 (OASIS SOAP Message Security, UsernameToken Profile, X.509 Token Profile) before and behind a call.

Belongs here: one Security header block in, who calls and what of the message she vouches for out; the answer's
signature. May not know: services, Spyne, Twisted.

    names    namespaces, types of tokens, algorithms, and the faults' codes
    block    the block as values; refuses what is not of its profile
    profile  what a signature may look like, before any key is used
    verify   the signature itself, by the library signxml: only what it returns goes on
    guard    the order of all this, against what the tenant keeps
    answer   the hub's own signature
"""

from __future__ import annotations
