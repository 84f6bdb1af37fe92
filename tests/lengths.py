"""How long proofs are: a few runs each time, all of them with HUB_SOAK (make soak)."""

import os

IS_LONG = bool(os.environ.get("HUB_SOAK"))
RUNS = range(5 if IS_LONG else 1)  # of a control: without its guard each must fail
