"""Models on disk: what there is, what a header tells, what a person means, what loading would cost."""
