"""The sandbox's HTML pages: one template environment, one way to show a page."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

templates = Environment(
    loader=PackageLoader("policy_rollout.sandbox", "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A template of this package, filled; it extends `base.html`, which carries the banner."""
    return HTMLResponse(templates.get_template(template).render(**values), status_code=status)
