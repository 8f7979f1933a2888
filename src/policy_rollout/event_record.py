"""What every kind of journaled event has in common. Pure."""

from pydantic import BaseModel, ConfigDict


class EventRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
