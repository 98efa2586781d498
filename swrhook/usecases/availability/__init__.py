"""Whether images are at their targets now, asked of SWR where it is not known well enough."""
