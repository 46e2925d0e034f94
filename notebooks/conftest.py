"""What nbval compares of a notebook's outputs: the text. HTML says the same in another form."""

import os

# A figure that is drawn inline would add an output to its cell; JupyterLab draws it, the test does without.
os.environ.setdefault("MPLBACKEND", "agg")


def pytest_collectstart(collector):
    """Leave out what is not text; images are never kept in a notebook."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("text/html", "application/vnd.motivlab.export+json", "image/png")
