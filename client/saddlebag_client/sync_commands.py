"""The commands that need the hub: login, sync, upgrade.

Belongs here: running them and saying what happened in plain words. May not know: how bytes travel.
"""

from __future__ import annotations

import argparse
from typing import Any

from saddlebag.kernel.errors import INVALID_VALUE, NO_CONNECTION, SaddlebagError
from saddlebag_client import account, describe, outbox, transfers, upgrade, vault, vault_commands
from saddlebag_client.driver import PAGE_WISE, Driver, Report
from saddlebag_client.hub import HubCalls
from saddlebag_client.local import LocalFile, only_sync
from saddlebag_client.setting import Said, Setting, counted, error_data

OFFLINE = 3
"""The exit code where the hub could not be reached."""

_REASONS = {
    "left-scope": "no longer part of your work",
    "deleted": "deleted at the hub",
    "revoked": "no longer yours to see",
    "merged-into": "merged into another record",
}


def login(setting: Setting, given: argparse.Namespace) -> Said:
    """Bind the file to a hub, tenant and user."""
    password = setting.read_password(f"Password of {given.user}: ")
    ca = account.read_ca(given.ca)
    file = vault.open_for(setting, create=True)
    meter = account.log_in(
        file,
        setting.connect,
        setting.pause,
        url=given.url.rstrip("/"),
        tenant=given.tenant,
        user=given.user,
        password=password,
        ca=ca,
        this=setting.this,
    )
    if file.sealed:
        vault_commands.keep_way(setting.path, file)
    traffic = {"bytes_up": meter.up, "bytes_down": meter.down, "requests": meter.requests}
    return Said(
        {"user": given.user, "tenant": given.tenant, "device": file.need("device"), **traffic},
        f"Logged in as {given.user} of {given.tenant}. This laptop is registered; `sync` fetches your work.",
    )


def sync(setting: Setting, given: argparse.Namespace) -> Said:
    """Send what is unsent, receive what changed."""
    file = vault.open_for(setting)
    with only_sync(setting.path):
        if given.page_wise or given.at_once:
            file.put(**{PAGE_WISE: given.page_wise or None})
        hub = account.hub_of(file, setting.connect, setting.pause)
        driver = Driver(file, hub, setting.clock, setting.progress, setting.this)
        try:
            report = driver.run()
            _learn_new_entities(file, hub, report)
            file.put(last_sync=setting.stamp)
            driver.transfer()
            vault_commands.renew(setting, file, hub)
        except SaddlebagError as error:
            return _broken_off(file, driver.report, error)
        finally:
            transfers.prune(file)
    return Said(_data(file, report), "\n".join(_sentences(report)))


def upgrade_client(setting: Setting, given: argparse.Namespace) -> Said:
    """Replace the program by the one that the hub offers."""
    if setting.program.suffix != ".pyz":
        raise SaddlebagError(INVALID_VALUE, "Only the packed client, saddlebag.pyz, can be upgraded.")
    transport = account.hub_of(vault.open_for(setting), setting.connect, setting.pause).transport
    offered = upgrade.offer(transport)
    if upgrade.same(offered, setting.program):
        return Said({"version": offered.version, "upgraded": False}, f"Version {offered.version} is the newest.")
    upgrade.replace(transport, offered, setting.program)
    return Said({"version": offered.version, "upgraded": True}, f"Upgraded to version {offered.version}.")


def _learn_new_entities(file: LocalFile, hub: HubCalls, report: Report) -> None:
    known = {each.name for each in describe.descriptions(file).entities}
    if not known.issuperset(report.received):
        describe.save(file, hub.describe())


def _broken_off(file: LocalFile, report: Report, error: SaddlebagError) -> Said:
    waiting = len(outbox.operations(file, outbox.UNSENT, outbox.SENT))
    kept = f"Nothing is lost: {waiting} changes wait here." if waiting else "Nothing is lost."
    data = {**_data(file, report), "error": error_data(error)}
    text = f"{error.message} {kept} {error.kind.cure}"
    return Said(data, "\n".join([*_events(report), text]), OFFLINE if error.kind is NO_CONNECTION else 1)


def _data(file: LocalFile, report: Report) -> dict[str, Any]:
    total = report.total
    return {
        "sent": [
            {"entity": op.entity, "id": op.id, "sequence": op.sequence, "version": result.version, **result.as_json()}
            for op, result in report.sent
        ],
        "received": dict(report.received),
        "removed": [
            {"entity": each.entity, "id": each.id, "reason": each.reason, "label": label}
            for each, label in report.removed
        ],
        "unsent": len(outbox.operations(file, outbox.UNSENT, outbox.SENT)),
        "healed": report.healed,
        "attachments": {
            "sent": report.attachments.sent,
            "fetched": report.attachments.fetched,
            "problems": report.attachments.problems,
        },
        "bytes_up": total.bytes_up,
        "bytes_down": total.bytes_down,
        "seconds": round(total.seconds, 6),
        "requests": total.requests,
        "body_bytes": report.body_bytes,
        "steps": [
            {
                "name": each.name,
                "records": each.records,
                "bytes_up": each.bytes_up,
                "bytes_down": each.bytes_down,
                "requests": each.requests,
                "seconds": round(each.seconds, 6),
            }
            for each in report.steps
        ],
    }


def _sentences(report: Report) -> list[str]:
    total = report.total
    lines = _events(report) or ["Nothing new."]
    traffic = f"{total.bytes_up:,} bytes up, {total.bytes_down:,} down"
    return [*lines, f"{traffic}, {total.requests} requests, {total.seconds:.2f} s."]


def _events(report: Report) -> list[str]:
    lines: list[str] = []
    for operation, result in report.sent:
        lines.append(f"Sent {operation.kind} of {operation.entity} {operation.id}: {_word(result.status)}")
        if result.message:
            lines.append(f"  {result.message}")
        if result.status in ("rejected", "gone", "conflict"):
            lines.append(f"  See `conflicts` ({operation.sequence}).")
    if report.received:
        lines.append(f"Received {report.received.total()} records: {counted(report.received)}.")
    for eviction, label in report.removed:
        name = label or eviction.id
        lines.append(f"Removed {eviction.entity} {name}: {_REASONS.get(eviction.reason, eviction.reason)}.")
    moved = report.attachments
    if moved.sent or moved.fetched:
        lines.append(f"Attachments: {moved.sent} sent, {moved.fetched} fetched.")
    lines += [f"Attachment {each}" for each in moved.problems]
    if report.healed:
        lines.append("The laptop and the hub had come apart; only the difference was sent.")
    return lines


def _word(status: str) -> str:
    words = {
        "applied": "taken over.",
        "merged": "taken over, together with changes made by others.",
        "conflict": "someone else changed it too; one value lost.",
        "rejected": "refused.",
        "gone": "the record is no longer there.",
    }
    return words.get(status, status)
