"""Secrets kept by AWS: ``aws-secret:NAME`` and ``ssm:NAME`` beside the references that Bondstore knows anyway."""

from __future__ import annotations

import json

from bondstore.config.secrets import Secret, SecretRef, remember
from bondstore.databases.awsclients import aws_client, failures, understand
from bondstore.errors import CredentialsError

_AWS = ("aws-secret", "ssm")


def reference(text: str) -> SecretRef:
    """Read a reference; one to AWS is resolved here and now, and kept in this process alone.

    Parameters
    ----------
    text : str
        ``env:NAME``, ``file:/path``, ``ssm:/name/of/parameter``, ``aws-secret:NAME``, or ``aws-secret:NAME#FIELD``
        for one field of a secret that is JSON.

    Raises
    ------
    ConfigurationError
        It is no reference.
    CredentialsError
        AWS gives no such secret to this account.
    """
    scheme, _, place = text.partition(":")
    if scheme not in _AWS:
        return SecretRef.parse(text)
    ref = SecretRef(scheme, place.strip())
    remember(ref, _from_ssm(place.strip()) if scheme == "ssm" else _from_secrets_manager(place.strip()))
    return ref


def _from_ssm(name: str) -> Secret:
    try:
        answer = aws_client("ssm").get_parameter(Name=name, WithDecryption=True)
    except failures() as error:
        raise understand(error, f"parameter {name} in SSM") from None
    return _checked(answer["Parameter"]["Value"], name)


def _from_secrets_manager(place: str) -> Secret:
    name, _, field = place.partition("#")
    try:
        answer = aws_client("secretsmanager").get_secret_value(SecretId=name)
    except failures() as error:
        raise understand(error, f"secret {name} in Secrets Manager") from None
    value = answer.get("SecretString", "")
    if not field:
        return _checked(value, name)
    try:
        return _checked(json.loads(value)[field], name)
    except (ValueError, KeyError, TypeError):
        raise CredentialsError(
            f"The secret {name} has no field of that name.", hint="Check what is behind #."
        ) from None


def _checked(value: object, name: str) -> Secret:
    if not isinstance(value, str) or not value:
        raise CredentialsError(f"The secret {name} is empty.", hint="Store it as text.")
    return Secret(value)
