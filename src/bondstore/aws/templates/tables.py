"""Tables: participants and their history, subscribers and what was sent to them."""

from __future__ import annotations

from typing import Any

from bondstore.aws.templates.intrinsics import Node, ref, sub
from bondstore.notify import deliveries, subscriptions
from bondstore.registry.settings import HISTORY, HISTORY_KEY, KEY


def tables() -> Node:
    """Return the tables: restorable to any second, not to be deleted by mistake, encrypted."""
    return {
        "ParticipantsTableResource": _table(ref("ParticipantsTable"), KEY, "N"),
        "ParticipantsHistoryResource": _table(sub(f"${{ParticipantsTable}}{HISTORY}"), HISTORY_KEY, "S"),
        "SubscribersResource": _table(subscriptions.TABLE, subscriptions.KEY, "S"),
        "DeliveriesResource": _table(deliveries.TABLE, deliveries.KEY, "S"),
    }


def _table(name: Any, key: str, kind: str) -> Node:
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"},
        },
    }
