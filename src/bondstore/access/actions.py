"""The actions of S3 and DynamoDB: which are about objects and which about buckets, and which open more than they say.

After "Actions, resources, and condition keys" of both services (Service Authorization Reference).
"""

from __future__ import annotations

import difflib
import re

from bondstore.access import patterns


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OBJECT = _words(
    """AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion
    DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention
    GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes
    GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication
    ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectLegalHold
    PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging ReplicateDelete ReplicateObject
    ReplicateTags RestoreObject UpdateObjectEncryption"""
)
"""Actions of S3 whose resource is ``BUCKET/KEY``."""
PLAIN = _words(
    """AbortMultipartUpload DeleteObject DeleteObjectTagging GetObject GetObjectAttributes GetObjectTagging
    ListMultipartUploadParts PutObject PutObjectTagging RestoreObject"""
)
"""Those of them that people mean by ``s3:Get*`` or ``s3:Put*``."""
LISTING = frozenset(("ListBucket", "ListBucketVersions"))
"""Actions of S3 on a bucket whose requests have the key ``s3:prefix``."""
BUCKET = LISTING | _words(
    """CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration
    DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAcl
    GetBucketCORS GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification
    GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
    GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite
    GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration
    GetMetricsConfiguration GetReplicationConfiguration ListBucketMultipartUploads PauseReplication
    PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAcl PutBucketCORS PutBucketLogging
    PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy
    PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite
    PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration
    PutMetricsConfiguration PutReplicationConfiguration"""
)
"""Actions of S3 whose resource is a bucket."""
OTHER = _words(
    """CreateAccessPoint CreateJob DeleteAccessPoint DeleteAccessPointPolicy DescribeJob GetAccessPoint
    GetAccessPointPolicy GetAccessPointPolicyStatus GetAccountPublicAccessBlock GetDataAccess ListAccessPoints
    ListAllMyBuckets ListJobs ListTagsForResource PutAccessPointPolicy PutAccountPublicAccessBlock TagResource
    UntagResource UpdateJobPriority UpdateJobStatus"""
)
"""Actions of S3 on an access point, a job or an account."""
DYNAMODB = _words(
    """BatchGetItem BatchWriteItem ConditionCheckItem CreateBackup CreateGlobalTable CreateTable CreateTableReplica
    DeleteBackup DeleteItem DeleteResourcePolicy DeleteTable DeleteTableReplica DescribeBackup
    DescribeContinuousBackups DescribeContributorInsights DescribeEndpoints DescribeExport DescribeGlobalTable
    DescribeGlobalTableSettings DescribeImport DescribeKinesisStreamingDestination DescribeLimits
    DescribeReservedCapacity DescribeReservedCapacityOfferings DescribeStream DescribeTable
    DescribeTableReplicaAutoScaling DescribeTimeToLive DisableKinesisStreamingDestination
    EnableKinesisStreamingDestination ExportTableToPointInTime GetAbacStatus GetItem GetRecords GetResourcePolicy
    GetShardIterator ImportTable ListBackups ListContributorInsights ListExports ListGlobalTables ListImports
    ListStreams ListTables ListTagsOfResource PartiQLDelete PartiQLInsert PartiQLSelect PartiQLUpdate
    PurchaseReservedCapacityOfferings PutItem PutResourcePolicy Query RestoreTableFromAwsBackup RestoreTableFromBackup
    RestoreTableToPointInTime Scan StartAwsBackupJob TagResource UntagResource UpdateAbacStatus
    UpdateContinuousBackups UpdateContributorInsights UpdateGlobalTable UpdateGlobalTableSettings
    UpdateGlobalTableVersion UpdateItem UpdateKinesisStreamingDestination UpdateTable UpdateTableReplicaAutoScaling
    UpdateTimeToLive"""
)
KNOWN = {"s3": OBJECT | BUCKET | OTHER, "dynamodb": DYNAMODB}
"""By service, in lower case. Of other services nothing is said."""
CONDITION_KEYS = _words(
    """aws:CalledVia aws:CalledViaFirst aws:CalledViaLast aws:CurrentTime aws:EpochTime aws:FederatedProvider
    aws:MultiFactorAuthAge aws:MultiFactorAuthPresent aws:PrincipalAccount aws:PrincipalArn aws:PrincipalIsAWSService
    aws:PrincipalOrgID aws:PrincipalOrgPaths aws:PrincipalServiceName aws:PrincipalServiceNamesList aws:PrincipalType
    aws:RequestedRegion aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths aws:SecureTransport
    aws:SourceAccount aws:SourceArn aws:SourceIdentity aws:SourceIp aws:SourceOrgID aws:SourceOrgPaths aws:SourceVpc
    aws:SourceVpcArn aws:SourceVpce aws:TagKeys aws:TokenIssueTime aws:UserAgent aws:ViaAWSService aws:VpcSourceIp
    aws:Referer aws:userid aws:username
    dynamodb:Attributes dynamodb:EnclosingOperation dynamodb:FullTableScan dynamodb:LeadingKeys
    dynamodb:ReturnConsumedCapacity dynamodb:ReturnValues dynamodb:Select
    s3:AccessPointNetworkOrigin s3:DataAccessPointAccount s3:DataAccessPointArn s3:RequestObjectTagKeys
    s3:ResourceAccount s3:TlsVersion s3:authType s3:delimiter s3:if-match s3:if-none-match s3:locationconstraint
    s3:max-keys s3:object-lock-legal-hold s3:object-lock-mode s3:object-lock-remaining-retention-days
    s3:object-lock-retain-until-date s3:prefix s3:signatureAge s3:signatureversion s3:versionid s3:x-amz-acl
    s3:x-amz-content-sha256 s3:x-amz-copy-source s3:x-amz-grant-full-control s3:x-amz-grant-read
    s3:x-amz-grant-read-acp s3:x-amz-grant-write s3:x-amz-grant-write-acp s3:x-amz-metadata-directive
    s3:x-amz-object-ownership s3:x-amz-server-side-encryption s3:x-amz-server-side-encryption-aws-kms-key-id
    s3:x-amz-server-side-encryption-customer-algorithm s3:x-amz-storage-class
    s3:x-amz-website-redirect-location"""
)
"""Of all services, of S3 and of DynamoDB."""
TAG_KEYS = re.compile(
    r"aws:(?:Principal|Request|Resource)Tag/.+|s3:(?:ExistingObject|RequestObject|Bucket|AccessPoint)Tag/.+",
    re.IGNORECASE,
)
"""Condition keys that end in the name of a tag."""

ROWS = _words("""BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem GetItem PutItem Query Scan UpdateItem""")
"""The actions of DynamoDB that people list when they mean the rows of a table."""
BESIDES = _words(
    """CreateBackup CreateTableReplica EnableKinesisStreamingDestination ExportTableToPointInTime GetRecords
    GetShardIterator PartiQLDelete PartiQLInsert PartiQLSelect PartiQLUpdate RestoreTableFromBackup
    RestoreTableToPointInTime StartAwsBackupJob UpdateGlobalTable UpdateTable"""
)
"""What gives the same rows away, or changes them: PartiQL, exports, backups, streams, replicas."""
OF_STREAMS = ("GetRecords", "GetShardIterator")
"""All that gives the rows of a stream away."""
OF_TABLES = tuple(
    sorted((ROWS | BESIDES).difference(OF_STREAMS, ("BatchWriteItem", "PartiQLInsert", "RestoreTableFromBackup")))
)
"""All that gives a table's rows away, or lets them be had elsewhere: a change may answer with the row as it was."""
ESCALATING = {
    **dict.fromkeys(
        (
            "s3:DeleteAccessPointPolicy", "s3:DeleteBucketPolicy", "s3:PutAccessPointPolicy",
            "s3:PutAccountPublicAccessBlock", "s3:PutBucketAcl", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock",
            "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:PutBucketOwnershipControls",
            "dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy",
        ),
        "changes who else may read",
    ),
    **dict.fromkeys(
        (
            "iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy",
            "iam:CreatePolicyVersion", "iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary",
            "iam:DetachGroupPolicy", "iam:DetachRolePolicy", "iam:DetachUserPolicy",
            "iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
            "iam:PutUserPermissionsBoundary", "iam:PutUserPolicy", "iam:SetDefaultPolicyVersion",
            "iam:UpdateAssumeRolePolicy",
        ),
        "lets its holder give themselves more permissions",
    ),
    **dict.fromkeys(
        ("iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
        "lets its holder sign in as somebody else",
    ),
    "iam:PassRole": "lets its holder hand a role, and all that it may do, to a machine or function of their own",
}  # fmt: skip
"""Actions by which somebody comes by more than the policy says, and what each does."""


def matched(pattern: str) -> frozenset[str]:
    """Return the actions of S3 or DynamoDB that a pattern such as ``s3:Get*`` stands for, without the service."""
    service, _, name = pattern.partition(":")
    known = KNOWN.get(service.lower(), frozenset())
    pieces = patterns.plain(name.lower())
    return frozenset(one for one in known if patterns.fits(pieces, one.lower()))


_SPELLED = {f"{service}:{one}".lower(): f"{service}:{one}" for service, names in KNOWN.items() for one in names}


def spelled(action: str) -> str:
    """Return an action as AWS spells it; in one that is not known, capitals are left out: they mean nothing."""
    return _SPELLED.get(action.lower(), action.lower())


def escalates(pattern: str) -> dict[str, str]:
    """Return the escalating actions that a pattern allows, with what each does."""
    pieces = patterns.plain(pattern.lower())
    return {one: why for one, why in ESCALATING.items() if patterns.fits(pieces, one.lower())}


_CALLS = {
    "copyobject": "PutObject", "createmultipartupload": "PutObject", "deleteobjects": "DeleteObject",
    "getobjects": "GetObject", "headbucket": "ListBucket", "headobject": "GetObject", "listbuckets": "ListAllMyBuckets",
    "listmultipartuploads": "ListBucketMultipartUploads", "listobject": "ListBucket", "listobjects": "ListBucket",
    "listobjectsv2": "ListBucket", "listobjectversions": "ListBucketVersions", "listparts": "ListMultipartUploadParts",
    "putobjects": "PutObject", "uploadpart": "PutObject",
}  # fmt: skip
"""Calls of S3 that have no action of their own name, and the one they take.

After "Required permissions for Amazon S3 API operations" (Amazon S3 User Guide).
"""
_VERBS = {found[0] for names in KNOWN.values() for one in names if (found := re.match(r"[A-Z][a-z]+", one))}


def near(action: str) -> str:
    """Return the action that is meant by one that does not exist; empty where that cannot be said.

    What begins with another verb is never meant: a listing must not become a right to write.
    """
    service, _, name = action.partition(":")
    if service.lower() == "s3" and (takes := _CALLS.get(name.lower())):
        return f"s3:{takes}"
    verbs = tuple(one for one in _VERBS if name.lower().startswith(one.lower()))
    alike = [one for one in KNOWN.get(service.lower(), ()) if verbs and one.startswith(max(verbs, key=len))]
    found = difflib.get_close_matches(name, sorted(alike), n=1)
    return f"{service.lower()}:{found[0]}" if found else ""
