"""How a scalar refuses a value. Pure."""

from pydantic_core import PydanticCustomError

REFUSED = "scalar"


def refuse(expected: str, value: object, *, meant: str | None = None) -> PydanticCustomError:
    """What every scalar raises: the reader turns it into "found X, expected Y".

    `meant` is the accepted value that was probably meant.
    """
    context = {"found": value, "expected": expected, "meant": meant or ""}
    return PydanticCustomError(REFUSED, "found {found}, expected {expected}", context)
