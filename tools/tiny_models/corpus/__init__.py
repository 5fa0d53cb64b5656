"""The corpus: one module per skill, each able to draw training examples and held-out ones.

Everything is generated from texts in these modules; nothing is read from disk or network.
"""
