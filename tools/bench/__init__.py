"""`make bench`: how fast the program is on this machine, each figure the median of several runs."""
