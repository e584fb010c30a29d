"""`python -m saddlebag_client`, for work on the client itself; people run the packed file."""

from __future__ import annotations

import sys

from saddlebag_client.main import main

sys.exit(main())
