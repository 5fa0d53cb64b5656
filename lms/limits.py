"""What the operating system allows a process. Only ever asks for more than there is, within what it may have."""

import resource

DESCRIPTORS = 8192


def allow_descriptors(wanted: int = DESCRIPTORS) -> None:
    """Allow this process `wanted` open files, or as many as its hard limit lets it have.

    Many systems allow 1024 until asked for more, and a client takes one in each process that it meets. Programs that
    are started inherit the limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
