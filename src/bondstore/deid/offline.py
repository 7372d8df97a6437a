"""Libraries that look at pictures, loaded so that they call nobody."""

from __future__ import annotations

import os
from typing import Any


def onnxruntime() -> Any:
    """Load onnxruntime with its telemetry off.

    Since 1.29 it sends events of each process and each model to its maker, and keeps an id of the machine in the
    user's cache, unless this variable is set before it is loaded. Where somebody else loaded it, what can still be
    turned off is. Source: https://github.com/microsoft/onnxruntime/pull/27379
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime
