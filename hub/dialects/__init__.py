"""Other people's APIs over the same core: what they sell is held and sold once."""
