"""Models on disk: what there is, what a header tells, what a person means, what loading would cost.

Start at `catalog.Catalog`, which gives a `listing.Listing` of `model.Model` values; `estimate.estimate` takes one.
"""
