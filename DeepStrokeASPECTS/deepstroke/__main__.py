"""``python -m deepstroke``."""

import sys

from deepstroke.cli import main

sys.exit(main())
