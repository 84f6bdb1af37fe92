"""The wire of terms, the journal, credit and statements."""
