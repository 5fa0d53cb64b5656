"""`python -m lms` is the same program as `lms`."""

from lms.cli import main

if __name__ == "__main__":
    main()
