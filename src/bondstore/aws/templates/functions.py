"""The two functions: each with its layers, its log, its queue, and a role that allows what it does and no more."""

from __future__ import annotations

from bondstore.aws.templates.intrinsics import (
    NOTHING,
    Node,
    allow,
    arn,
    bucket_arn,
    here,
    policy,
    ref,
    sub,
    when,
)
from bondstore.aws.templates.queues import TIMEOUT
from bondstore.notify import deliveries, subscriptions
from bondstore.registry.policy import ENTRIES, LOOK, ROWS
from bondstore.registry.settings import HISTORY

_KEEP = ("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:UpdateItem")
_TOLD = ("dynamodb:BatchGetItem", *_KEEP, *LOOK)
"""What it takes to read subscribers and to keep the record of what they were sent."""


def functions(layers: int, python: str, architecture: str) -> Node:
    """Return functions, layers, roles, logs and what joins them to their queues.

    Parameters
    ----------
    layers : int
        How many layers the profile function stands on.
    python, architecture : str
        As in `bondstore.aws.packing.parts`.
    """
    runtime = {"Runtime": f"python{python}", "Architectures": [architecture]}
    made: Node = {f"Layer{number}": _layer(number, runtime) for number in range(1, layers + 1)}
    profile = {
        "BONDSTORE_SOURCE": sub("s3://${DataBucket}"),
        "BONDSTORE_DEST": sub("s3://${ResultBucket}"),
        "BONDSTORE_TESTS": ref("Tests"),
        "BONDSTORE_DATABASE": sub("dynamodb://${AWS::Region}"),
        "BONDSTORE_TRANSPORT": when("Mails", sub("ses://${AWS::Region}"), NOTHING),
        "BONDSTORE_MAIL_FROM": when("Mails", ref("MailFrom"), NOTHING),
        "BONDSTORE_UNSUBSCRIBE_MAIL": when("Mails", ref("UnsubscribeMail"), NOTHING),
        "BONDSTORE_MAIL_SECRET": when("Mails", sub("aws-secret:${MailSecretName}"), NOTHING),
    }
    people = {
        "BONDSTORE_PARTICIPANTS": sub("s3://${ParticipationBucket}/${ParticipantsKey}"),
        "BONDSTORE_DATABASE": sub("dynamodb://${AWS::Region}"),
        "BONDSTORE_TABLE": ref("ParticipantsTable"),
    }
    size = {"MemorySize": 1769, "EphemeralStorage": {"Size": 1024}}  # one whole processor
    stands = [ref(f"Layer{number}") for number in range(1, layers + 1)]
    made |= _function("Profile", "profile_arrived", profile, {**runtime, **size, "Layers": stands}, _profile_role())
    made |= _function("Participants", "participants_changed", people, {**runtime, "MemorySize": 512}, _people_role())
    return made


def _layer(number: int, runtime: Node) -> Node:
    return {
        "Type": "AWS::Lambda::LayerVersion",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "LayerName": sub(f"${{AWS::StackName}}-{number}"),
            "Content": {"S3Bucket": ref("CodeBucket"), "S3Key": sub(f"${{CodePrefix}}${{Layer{number}Zip}}")},
            "CompatibleRuntimes": [runtime["Runtime"]],
            "CompatibleArchitectures": runtime["Architectures"],
        },
    }


def _function(word: str, handler: str, variables: Node, more: Node, role: list[Node]) -> Node:
    name = f"{word}Function"
    queue = allow(
        "OwnQueue",
        ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"),
        arn(f"{word}Queue"),
    )
    log = allow("OwnLog", ("logs:CreateLogStream", "logs:PutLogEvents"), arn(f"{word}Log"))
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        f"{word}Log": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "LogGroupName": sub(f"/bondstore/${{AWS::StackName}}/{word.lower()}"),
                "RetentionInDays": ref("LogDays"),
            },
        },
        f"{word}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": policy(trusted),
                "Policies": [{"PolicyName": "own", "PolicyDocument": policy(log, queue)}, *role],
            },
        },
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Handler": f"bondstore.aws.handlers.{handler}",
                "Code": {"S3Bucket": ref("CodeBucket"), "S3Key": sub(f"${{CodePrefix}}${{{word}Zip}}")},
                "Role": arn(f"{word}Role"),
                "Timeout": TIMEOUT,
                "Environment": {"Variables": variables},
                "LoggingConfig": {"LogGroup": ref(f"{word}Log"), "LogFormat": "Text"},
                **more,
            },
        },
        f"{word}Source": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": arn(f"{word}Queue"),
                "FunctionName": ref(name),
                "BatchSize": 10,
                "MaximumBatchingWindowInSeconds": 5,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        },
    }


def _profile_role() -> list[Node]:
    files = policy(
        allow("ReadProfiles", ("s3:GetObject",), bucket_arn("DataBucket", "/*")),
        allow("ListBoth", ("s3:ListBucket",), bucket_arn("DataBucket"), bucket_arn("ResultBucket")),
        allow("WriteResults", ("s3:DeleteObject", "s3:GetObject", "s3:PutObject"), bucket_arn("ResultBucket", "/*")),
    )
    mail = policy(
        allow("Subscribers", _TOLD, here("dynamodb", f"table/{subscriptions.TABLE}")),
        allow("Deliveries", _TOLD, here("dynamodb", f"table/{deliveries.TABLE}")),
        allow(
            "SendAsOne",
            ("ses:SendEmail", "ses:SendRawEmail"),
            here("ses", "identity/${MailIdentity}"),
            Condition={"StringEquals": {"ses:FromAddress": ref("MailFrom")}},
        ),
        allow(
            "OwnSecret",
            ("secretsmanager:GetSecretValue",),
            here("secretsmanager", "secret:${MailSecretName}-??????"),
        ),
    )
    return [
        {"PolicyName": "files", "PolicyDocument": files},
        when("Mails", {"PolicyName": "mail", "PolicyDocument": mail}, NOTHING),
    ]


def _people_role() -> list[Node]:
    document = policy(
        allow("ReadForm", ("s3:GetObject",), bucket_arn("ParticipationBucket", "/${ParticipantsKey}")),
        allow("Participants", (*ROWS, *LOOK), here("dynamodb", "table/${ParticipantsTable}")),
        allow("History", (*ENTRIES, *LOOK), here("dynamodb", f"table/${{ParticipantsTable}}{HISTORY}")),
    )
    return [{"PolicyName": "participants", "PolicyDocument": document}]
