"""What is asked of whoever applies the template."""

from __future__ import annotations

from collections.abc import Sequence

from bondstore.aws.templates.intrinsics import Node

_BUCKET = r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$"
_PREFIX = r"^([A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*/)?$"
_NAME = r"^([A-Za-z0-9/_+=.@-]{1,200})?$"


def parameters(layers: Sequence[str], handlers: Sequence[str]) -> Node:
    """Return the parameters.

    Parameters
    ----------
    layers : sequence of str
        File names of the layers' zips.
    handlers : sequence of str
        File names of the functions' zips.
    """
    made = {
        "CodeBucket": _text("The bucket that the zips were put into.", pattern=_BUCKET),
        "CodePrefix": _text("What their keys start with: empty, or ends with a slash.", "", pattern=_PREFIX),
        "DataBucket": _text("Name of the private bucket that profiles arrive in.", pattern=_BUCKET),
        "ResultBucket": _text("Name of the private bucket that tested files go to.", pattern=_BUCKET),
        "ParticipationBucket": _text("Name of the private bucket for the participants' CSV.", pattern=_BUCKET),
        "PublicBucket": _text("Name of the bucket that everybody may read.", pattern=_BUCKET),
        "ParticipantsKey": _text("Key of the participants' CSV in its bucket.", "participants.csv"),
        "ParticipantsTable": _text("Name of the table of participants.", "participant-information"),
        "Tests": _text("The tests: moana, qartod or argo.", "moana"),
        "MailFrom": _text("Address that mail is sent from, verified in SES; empty for no mail.", ""),
        "UnsubscribeMail": _text("Address that people who unsubscribe write to; needed for mail.", ""),
        "MailIdentity": _text("The identity verified in SES: that address, or its domain; needed for mail.", ""),
        "MailSecretName": _text(
            "Name in Secrets Manager of the secret for unsubscribe links; needed for mail.", "", pattern=_NAME
        ),
        "LogDays": {
            "Type": "Number",
            "Description": "Days that logs are kept.",
            "Default": 90,
            "AllowedValues": [7, 14, 30, 60, 90, 180, 365, 731],
        },
    }
    for number, name in enumerate(layers, 1):
        made[f"Layer{number}Zip"] = _text("File name of a layer's zip.", name)
    for word, name in zip(("Profile", "Participants"), handlers, strict=True):
        made[f"{word}Zip"] = _text("File name of the function's zip.", name)
    return made


def _text(description: str, default: str | None = None, *, pattern: str = "") -> Node:
    made: Node = {"Type": "String", "Description": description}
    if default is not None:
        made["Default"] = default
    if pattern:
        made["AllowedPattern"] = pattern
    return made
