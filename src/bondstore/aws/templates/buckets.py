"""Buckets: three that nobody but the functions and their owner reads, one that everybody may."""

from __future__ import annotations

from bondstore.aws.templates.intrinsics import Node, bucket_arn, policy, ref


def buckets() -> Node:
    """Return the buckets with their policies."""
    return {
        "DataBucketResource": _bucket("DataBucket", notifies="ProfileQueue"),
        "ResultBucketResource": _bucket("ResultBucket"),
        "ParticipationBucketResource": _bucket("ParticipationBucket", notifies="ParticipantsQueue"),
        "PublicBucketResource": _bucket("PublicBucket", public=True),
        **{f"{name}Policy": _only_tls(name) for name in ("DataBucket", "ResultBucket", "ParticipationBucket")},
        "PublicBucketPolicy": _readable("PublicBucket"),
    }


def _bucket(name: str, *, notifies: str = "", public: bool = False) -> Node:
    properties: Node = {
        "BucketName": ref(name),
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
        "VersioningConfiguration": {"Status": "Enabled"},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            # what everybody may do is said by the policy of the public bucket, and nowhere by lists of access
            "BlockPublicPolicy": not public,
            "RestrictPublicBuckets": not public,
        },
    }
    made: Node = {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }
    if notifies:
        made["DependsOn"] = f"{notifies}Policy"
        suffix = {"Filter": {"S3Key": {"Rules": [{"Name": "suffix", "Value": ".csv"}]}}}
        properties["NotificationConfiguration"] = {
            "QueueConfigurations": [
                {"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": [notifies, "Arn"]}, **suffix}
            ]
        }
    return made


def _tls(name: str) -> Node:
    return {
        "Sid": "NothingInTheClear",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn(name), bucket_arn(name, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _only_tls(name: str) -> Node:
    return _policy_of(name, policy(_tls(name)))


def _readable(name: str) -> Node:
    """Everybody reads objects; nobody lists the bucket, which would show what was taken back."""
    everybody = {
        "Sid": "EverybodyReadsObjects",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": bucket_arn(name, "/*"),
    }
    return _policy_of(name, policy(everybody, _tls(name)))


def _policy_of(name: str, document: Node) -> Node:
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": ref(f"{name}Resource"), "PolicyDocument": document},
    }
