"""Days as a tenant counts them.

Belongs here: from an instant to the tenant's calendar. May not know: a clock.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from saddlebag.store.base import Tenant


def zone_of(tenant: Tenant) -> tzinfo:
    """The tenant's time zone; UTC where its name means nothing on this machine."""
    try:
        return ZoneInfo(tenant.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def today(tenant: Tenant, now: datetime) -> date:
    """The day that it is for the tenant."""
    return now.astimezone(zone_of(tenant)).date()


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
