"""Security: principals, tenants, row visibility, TLS policy, WS-Security.

Floor 2. It decides; the floors above ask. It knows neither SQL nor XML contracts.
"""

from __future__ import annotations
