"""How a batch of work becomes one task run in Prefect."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

P = ParamSpec("P")
R = TypeVar("R")


def batch(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A task that is never cached, and whose parameters Prefect hands over unread.

    Prefect looks for futures in every field of every parameter, twice a task run; in the spec of a
    large program that takes longer than the request. We pass none. `name` may name parameters.
    """

    def decorate(work: Callable[P, R]) -> Callable[P, R]:
        as_task: Any = task(task_run_name=name, cache_policy=NO_CACHE)(work)

        @wraps(work)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            named = {parameter: quote(value) for parameter, value in kwargs.items()}
            result: R = as_task(*map(quote, args), **named)
            return result

        return run

    return decorate
