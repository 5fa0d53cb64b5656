"""Writes `man/` and `completions/` from the tree of commands. `python -m tools.cli_files [--check]`"""
