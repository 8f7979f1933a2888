"""The sandbox's pages of a workbook: see the tabs, edit a cell, sort, insert and delete rows."""

from starlette.routing import BaseRoute

from policy_rollout.sandbox.sheets_store import Store


def page_routes(store: Store) -> list[BaseRoute]:
    return []
