"""Real receivers, skipped where missing: a mail server, through apprise, and Debian's Alertmanager."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.engine.values import Verdict
from reconciler.errors import SinkError
from reconciler.notify import AlertmanagerSink, AppriseSink, Notification, Pace
from reconciler.secret import GivenSecret
from tests.daemon.waiting import until
from tests.notify.samples import NOON, notification
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


def apprise(url: str) -> AppriseSink:
    return AppriseSink("mail", Pace(10), GivenSecret(url))


def test_a_mail_arrives_through_apprise() -> None:
    """From a real mail server's point of view: sender, recipient, subject and text."""
    pytest.importorskip("apprise", reason="apprise is not installed: the extra `notify`")
    pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed")
    from aiosmtpd.controller import Controller  # noqa: PLC0415
    from aiosmtpd.handlers import Message  # noqa: PLC0415

    class Box(Message):
        """Keeps what comes."""

        mails: list[Any] = []  # noqa: RUF012

        def handle_message(self, message: Any) -> None:
            """Keeps it."""
            self.mails.append(message)

    controller = Controller(Box(), hostname="127.0.0.1", port=_free_port())
    controller.start()
    try:
        url = f"mailto://127.0.0.1:{controller.port}/oncall@example.org?from=reconciler@example.org&mode=insecure"
        asyncio.run(apprise(url).deliver(notification()))
    finally:
        controller.stop()
    (mail,) = Box.mails
    assert mail["Subject"] == "mnist@1.0.0 (prod) is failed"
    assert (mail["X-RcptTo"], "reconciler@example.org" in mail["From"]) == ("oncall@example.org", True)
    assert "the registry says no" in str(mail)


@pytest.mark.parametrize(
    "url", ["nonsense://canary", "json://127.0.0.1:9/canary", "slack://canary", "mailto://canary@127.0.0.1:9"]
)
def test_what_apprise_cannot_send_is_an_error_that_repeats_nothing_of_the_url(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does the log."""
    pytest.importorskip("apprise", reason="apprise is not installed: the extra `notify`")
    with pytest.raises(SinkError) as caught:
        asyncio.run(apprise(url).deliver(notification()))
    assert "canary" not in str(caught.value) + caplog.text


@contextmanager
def _alertmanager(folder: Path) -> Iterator[str]:
    """Debian's Alertmanager on a port of its own."""
    if ALERTMANAGER is None:
        pytest.skip("Alertmanager is not installed: Debian's package prometheus-alertmanager")
    (folder / "am.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n", "utf-8")
    port = _free_port()
    command = [
        *(ALERTMANAGER, f"--config.file={folder}/am.yml", f"--storage.path={folder}/am"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def test_an_alert_is_active_in_alertmanager_until_the_model_recovers(tmp_path: Path) -> None:
    """By Alertmanager's own API, with its labels and annotations."""
    began = datetime.now(UTC) - timedelta(hours=1)
    bad = notification(at=began).messages[0]
    from dataclasses import replace  # noqa: PLC0415

    bad = replace(bad, began=began)
    good = replace(bad, kind="recovered", verdict=Verdict.IN_SYNC, was=Verdict.FAILED, at=datetime.now(UTC))

    async def work(url: str) -> None:
        sink = AlertmanagerSink("am", Pace(10, batch=200), GivenSecret(url))
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_TLS) as client:

            async def active() -> list[Any]:
                alerts: list[Any] = (await client.get("/api/v2/alerts", params={"active": "true"})).json()
                return alerts

            await until(lambda: _listens(url))
            await sink.deliver(Notification("1", NOON, (bad,)))
            (alert,) = await active()
            assert alert["status"]["state"] in ("active", "unprocessed")
            assert alert["labels"]["model_name"] == "mnist"
            assert alert["annotations"]["description"] == "the registry says no"
            await sink.deliver(Notification("2", NOON, (good,)))
            assert await active() == []

    with _alertmanager(tmp_path) as url:
        asyncio.run(work(url))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _listens(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", trust_env=False, verify=NO_TLS).is_success
    except httpx.TransportError:
        return False
