"""Sizes as people read them. Disk counts in thousands (GB), memory in 1024s (GiB), as LM Studio prints them."""


def disk(size_bytes: int) -> str:
    """`512 B`, `2.10 KB`, `4.68 GB`."""
    return _scaled(size_bytes, 1000, ("B", "KB", "MB", "GB", "TB"))


def memory(size_bytes: int) -> str:
    """`512 Bytes`, `2.10 KiB`, `4.36 GiB`."""
    return _scaled(size_bytes, 1024, ("Bytes", "KiB", "MiB", "GiB", "TiB"))


def _scaled(size_bytes: int, base: int, names: tuple[str, ...]) -> str:
    if size_bytes < base:
        return f"{size_bytes} {names[0]}"
    power = 1
    while power < len(names) - 1 and round(size_bytes / base**power, 2) >= base:
        power += 1
    return f"{size_bytes / base**power:.2f} {names[power]}"
