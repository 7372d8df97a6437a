"""The rows of the phone app's five tables: made-up screens, sessions and logs."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

APPS = (("org.example.mail", "Mail"), ("org.example.maps", "Maps"), ("org.example.chat", "Chat"), ("null", "null"))
EMAILS = ("ada.quill@example.org", "tomas_b+news@mail.example.com")
PHONES = ("+1 202-555-0143", "(202) 555-0178")
_TEXT = (
    "meeting train ticket weather milk bread 0042 order tomorrow song garden battery 7:45 photo later price €12,50 "
    "Straße naïve 東京 😀 window reply delivered, archive. settings; a,b,c update 100% ok"
)
_WORDS = _TEXT.split()
_QUOTED = ('said "see you", then', '"now"', 'the "0042" form', 'it is 6" wide', '""', '"Breaking": a storm')

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rows of one zip share."""

    user: str
    version: str
    zip_name: str
    start_ms: int
    rng: random.Random
    quotes: float


@dataclass(frozen=True, slots=True)
class Shot:
    """One screenshot: its file name, whether the file is in the zip, when it was taken, and its row."""

    name: str
    shown: bool
    time_ms: int
    cells: Row


_COLUMNS = {
    "screenshot_data": "id_user file zipFileId apk id_session id_segment app text weekday t_epoch_ts_ms "
    "t_natural_utc_ts t_natural_second_ts t_natural_day_ts",
    "app_accessibility_data": "id_user type t_unix_ts_ms apk id_session id_interval text",
    "session_data": "id_user session_start session_end id_session seconds_since_last_active_ms session_duration_ms "
    "session_count_per_day interval id_panel id_tenant t_natural_second_session_start t_natural_day_session_start "
    "t_natural_second_session_end t_natural_day_session_end",
    "app_segment_data": "apk t_unix_ts_segment_start duration_segment_ms id_session id_segment apk_prev_1 apk_prev_2 "
    "apk_prev_3 apk_prev_4 apk_next_1 id_user",
    "log_data": "event msg user timestamp",
}
_FIRST_VERSION_LACKS = {"zipFileId", "id_segment", "id_interval", "apk_prev_4", "interval"}


def columns(prefix: str, version: str) -> tuple[str, ...]:
    """Return the columns of a table as an app version writes them.

    The second version is the documented one; the first lacks some; the third has one more and another order.
    """
    names = _COLUMNS[prefix].split()
    if version == "V_01":
        return tuple(name for name in names if name not in _FIRST_VERSION_LACKS)
    if version == "V_03":
        return (*names[1:], names[0], "app_build")
    return tuple(names)


def screenshots(facts: Facts, shown: int, restricted: int) -> list[Shot]:
    """Make the rows of the screenshots, one every 3 to 5 s, the restricted ones in between."""
    rng = facts.rng
    flags = [True] * shown + [False] * restricted
    rng.shuffle(flags)
    time_ms, session = facts.start_ms, _uuid(rng)
    made = []
    for number, flag in enumerate(flags):
        time_ms += rng.randint(3000, 5000)
        when = datetime.fromtimestamp(time_ms / 1000, UTC)
        name = f"img_{_uuid(rng)}Screenshot_{when:%Y%m%d-%H%M%S}.jpg"
        apk, app = rng.choice(APPS)
        path = f"/data/user/0/com.screenlake/files/{name}" if flag or number % 2 else "null"
        cells = {
            **_common(facts, session),
            "file": path,
            "zipFileId": facts.zip_name,
            "apk": apk,
            "id_segment": f"{rng.randint(0, 99):06d}",
            "app": app,
            "text": words(facts) if flag else "null",
            "weekday": f"{when:%a}",
            "t_epoch_ts_ms": str(time_ms),
            "t_natural_utc_ts": f"{when:%Y-%m-%dT%H:%M:%S}Z",
            "t_natural_second_ts": f"{when:%H:%M:%S}",
            "t_natural_day_ts": f"{when:%m/%d/%Y}",
        }
        made.append(Shot(name, flag, time_ms, cells))
    return made


def accessibility(facts: Facts, count: int) -> list[Row]:
    """Make the rows of accessibility events: their texts are what was on the screen."""
    rng, session = facts.rng, _uuid(facts.rng)
    return [
        {
            **_common(facts, session),
            "type": rng.choice(("TYPE_VIEW_CLICKED", "TYPE_VIEW_SCROLLED", "TYPE_WINDOW_CONTENT_CHANGED")),
            "t_unix_ts_ms": str(facts.start_ms + number * 700 + rng.randint(0, 600)),
            "apk": rng.choice(APPS)[0],
            "id_interval": _uuid(rng),
            "text": words(facts) if rng.random() < 0.8 else rng.choice(("", "null")),
        }
        for number in range(count)
    ]


def sessions(facts: Facts, count: int) -> list[Row]:
    """Make the rows of sessions."""
    rng = facts.rng
    made = []
    for number in range(count):
        start, length = facts.start_ms + number * 60_000, rng.randint(5_000, 50_000)
        begin, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (start, start + length))
        made.append(
            {
                **_common(facts, _uuid(rng)),
                "session_start": f"{begin:%Y-%m-%dT%H:%M:%S}Z",
                "session_end": f"{end:%Y-%m-%dT%H:%M:%S}Z",
                "seconds_since_last_active_ms": rng.choice(("null", "0", "12000")),
                "session_duration_ms": str(length),
                "session_count_per_day": f"{number:03d}",
                "interval": "3.0",
                "id_panel": "0007",
                "id_tenant": "00042",
                "t_natural_second_session_start": f"{begin:%H:%M:%S}",
                "t_natural_day_session_start": f"{begin:%m/%d/%Y}",
                "t_natural_second_session_end": f"{end:%H:%M:%S}",
                "t_natural_day_session_end": f"{end:%m/%d/%Y}",
            }
        )
    return made


def segments(facts: Facts, shots: Sequence[Shot]) -> list[Row]:
    """Make the rows of app segments: one where the app on the screen changes."""
    starts = [shot for at, shot in enumerate(shots) if at == 0 or _apk(shot) != _apk(shots[at - 1])]
    apps = ["NA"] * 4 + [_apk(shot) for shot in starts] + ["NA"]
    return [
        {
            **_common(facts, shot.cells["id_session"]),
            "apk": _apk(shot),
            "t_unix_ts_segment_start": str(shot.time_ms),
            "duration_segment_ms": "3000",
            "id_segment": shot.cells["id_segment"],
            "apk_next_1": apps[number + 5],
            **{f"apk_prev_{back}": apps[number + 4 - back] for back in (1, 2, 3, 4)},
        }
        for number, shot in enumerate(starts)
    ]


def logs(facts: Facts, count: int, traces: float) -> list[Row]:
    """Make the rows of the app's own log."""
    rng = facts.rng
    made = []
    for number in range(count):
        trace = rng.random() < traces
        made.append(
            {
                "event": "FAILED_ZIP_WORKER" if trace else f"ZIP_WORKER_RUN_{facts.start_ms + number}",
                "msg": "java.io.IOException: full\n\tat org.example.Zip.write(Zip.kt:42)\n" if trace else _uuid(rng),
                "user": facts.user,
                "timestamp": f"2024-01-05T08:{number // 60 % 60:02d}:{number % 60:02d}.{rng.randint(0, 999):03d}Z",
                "app_build": facts.version,
            }
        )
    return made


def words(facts: Facts) -> str:
    """Make the text of a screen: no line ends, sometimes quotes, sometimes an address or a telephone number.

    It can be written without doubling its quotes and still be read: it never ends in ``",`` nor holds ``","``.
    """
    rng = facts.rng
    said = rng.choices(_WORDS, k=rng.randint(3, 24))
    if rng.random() < facts.quotes:
        said.insert(rng.choice((0, len(said), len(said) // 2)), rng.choice(_QUOTED))
    if rng.random() < 0.15:
        said.insert(len(said) // 2, rng.choice(EMAILS + PHONES))
    return " ".join(said)


def _common(facts: Facts, session: str) -> Row:
    return {"id_user": facts.user, "id_session": session, "app_build": facts.version}


def _apk(shot: Shot) -> str:
    return shot.cells["apk"]


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(bytes=rng.randbytes(16), version=4))
