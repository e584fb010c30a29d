"""The command line: init, serve, demo, doctor, migrate, tenant, user, scope, device, adapter, contract,
client.

Floor 7. Arguments are read here and become values; no rule of the business lives here.
"""

from __future__ import annotations
