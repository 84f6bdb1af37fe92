"""Pure rules of settlement: quotes, postings, periods, seals."""
