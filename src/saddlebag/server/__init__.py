"""The server: Twisted site, Spyne mount, workers, composition root.

Floor 6. The only package that imports Spyne and Twisted; it finds services and adapters by entry point and
never imports one by name.
"""

from __future__ import annotations
