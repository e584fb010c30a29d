"""`python -m saddlebag.cli`: the command without its script."""

from __future__ import annotations

import sys

from saddlebag.cli.main import main

sys.exit(main())
