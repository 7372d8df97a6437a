"""Queues between buckets and functions: nothing that failed is lost."""

from __future__ import annotations

from bondstore.aws.templates.intrinsics import Node, allow, arn, bucket_arn, policy, ref

TIMEOUT = 600
"""Seconds that a function may take; a message stays hidden six times as long, as AWS advises."""
TRIES = 5
_FORTNIGHT = 14 * 86_400


def queues() -> Node:
    """Return the queues, each with one for what failed five times."""
    return {**_queue("Profile", "DataBucket"), **_queue("Participants", "ParticipationBucket")}


def _queue(word: str, bucket: str) -> Node:
    name = f"{word}Queue"
    sender = allow(
        "BucketSends",
        ("sqs:SendMessage",),
        arn(name),
        Principal={"Service": "s3.amazonaws.com"},
        Condition={
            "ArnEquals": {"aws:SourceArn": bucket_arn(bucket)},
            "StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")},
        },
    )
    return {
        f"{word}DeadLetters": {
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"MessageRetentionPeriod": _FORTNIGHT, "SqsManagedSseEnabled": True},
        },
        name: {
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                "VisibilityTimeout": 6 * TIMEOUT,
                "MessageRetentionPeriod": _FORTNIGHT,
                "SqsManagedSseEnabled": True,
                "RedrivePolicy": {"deadLetterTargetArn": arn(f"{word}DeadLetters"), "maxReceiveCount": TRIES},
            },
        },
        f"{name}Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [ref(name)], "PolicyDocument": policy(sender)},
        },
    }
