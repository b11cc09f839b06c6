"""python -m promptzoo"""

import sys

from promptzoo.cli import main

sys.exit(main())
