"""How the display writes a duration."""


def duration(seconds: float) -> str:
    """Write a duration briefly, in seconds, minutes or hours.

    >>> duration(99.4), duration(150), duration(9000)
    ('99 s', '2 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
