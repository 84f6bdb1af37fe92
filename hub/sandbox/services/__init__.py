"""Opening a sandbox, moving its time, making things happen, seeing what was done."""
