"""Text that a database or XML cannot hold: control characters, half surrogates."""

import re

UNSTORABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
