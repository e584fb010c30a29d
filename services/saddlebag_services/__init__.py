"""The SOAP services, one module each: decode, authorise, call the core, encode.

Floor 5. A service knows the core below the server; services and adapters are strangers. The server loads each
by its entry point in the group `saddlebag.services`.
"""

from __future__ import annotations
