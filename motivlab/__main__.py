"""``python -m motivlab`` is the command ``motivlab``."""

from .cli import main

raise SystemExit(main())
