"""Objects and texts for tests, written out by hand: nothing here comes from the package's own formatting."""

from datetime import UTC, datetime

from bondstore.domains.beiwe.layout import BeiweObject, parse_key

STUDY = "5" * 24
PID = "abcd1234"
HOUR = 1_519_862_400_000  # 2018-03-01T00:00:00Z

IDENTIFIERS = (
    "patient_id,MAC,phone_number,device_id,device_os,os_version"
    ",product,brand,hardware_id,manufacturer,model,beiwe_version"
)
ACCEL = "timestamp,UTC time,accuracy,x,y,z"


def chunked(stream: str, hour_ms: int = HOUR, survey: str = "") -> BeiweObject:
    name = datetime.fromtimestamp(hour_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    folder = f"{survey}/" if survey else ""
    return parse_key(STUDY, f"CHUNKED_DATA/{STUDY}/{PID}/{stream}/{folder}{name}.csv")


def raw(raw_stream: str, time_ms: int = HOUR, survey: str | None = None) -> BeiweObject:
    folder = f"{survey}/" if survey is not None else ""
    return parse_key(STUDY, f"{STUDY}/{PID}/{raw_stream}/{folder}{time_ms}.csv")


def identifiers(seconds: int = HOUR // 1000) -> BeiweObject:
    return parse_key(STUDY, f"{STUDY}/{PID}/identifiers_{seconds}.csv")


def text(*lines: str) -> bytes:
    return "\n".join(lines).encode()
