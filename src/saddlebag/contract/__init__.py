"""The contract: namespaces, the XML codec, XSD and WSDL builders, the published files, faults.

Floor 2. Everything here derives from a Schema value; it knows neither the store nor the network.
"""

from __future__ import annotations
