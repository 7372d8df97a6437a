"""What IAM and S3 take of policies; sizes are in characters without white space.

After "IAM and AWS STS quotas" (IAM User Guide) and "Bucket policies" (S3 User Guide).
"""

from __future__ import annotations

MANAGED = 6_144
"""One policy that is attached by name."""
INLINE = {"user": 2_048, "group": 5_120, "role": 10_240}
"""All inline policies of one identity together."""
BUCKET = 20_480
"""The policy of a bucket, or of an access point, in bytes."""
ATTACHED = 10
"""Managed policies of a user or a role; AWS raises it on request, for users to 20. Of a group it is fixed."""
GROUPS = 10
"""Groups of a user."""
POLICIES = 1_500
"""Customer managed policies of an account."""
VERSIONS = 5
"""Versions of a managed policy."""
NAME = 128
"""Characters of a policy's name."""
ACCESS_POINTS = 10_000
"""Access points of an account in a region."""
