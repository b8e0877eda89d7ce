"""`python -m aimo_host`: the command line."""

import sys

from aimo_host.cli import main

sys.exit(main())
