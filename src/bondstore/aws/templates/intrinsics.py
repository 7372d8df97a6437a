"""The words of CloudFormation that refer from one part of a template to another."""

from __future__ import annotations

from typing import Any, TypeAlias

Node: TypeAlias = dict[str, Any]


def ref(name: str) -> Node:
    """Refer to a parameter or a resource."""
    return {"Ref": name}


def arn(name: str) -> Node:
    """Refer to a resource's ARN."""
    return {"Fn::GetAtt": [name, "Arn"]}


def sub(text: str) -> Node:
    """Put parameters into a text: ``${Name}``."""
    return {"Fn::Sub": text}


def when(condition: str, then: Any, otherwise: Any) -> Node:
    """Choose by a condition."""
    return {"Fn::If": [condition, then, otherwise]}


NOTHING = ref("AWS::NoValue")
"""As if the property were not there."""


def bucket_arn(parameter: str, rest: str = "") -> Node:
    """Return the ARN of a bucket by its name: without a reference to the resource, so that nothing goes in circles."""
    return sub(f"arn:${{AWS::Partition}}:s3:::${{{parameter}}}{rest}")


def here(service: str, rest: str) -> Node:
    """Return an ARN in this account and region; names of parameters in it as ``${Name}``."""
    return sub(f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}")


def allow(sid: str, actions: tuple[str, ...], *resources: Any, **more: Any) -> Node:
    """Return a statement that allows."""
    resource = resources[0] if len(resources) == 1 else list(resources)
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def policy(*statements: Node) -> Node:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
