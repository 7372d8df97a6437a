"""A policy for a study as people write it by hand, and one that says what was meant."""

BY_HAND = """\
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "List",
      "Effect": "Allow",
      "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
      "Resource": "arn:aws:s3:::BUCKET",
      "Condition": {"StringLike": {"s3:prefix": ["55d4c9b21f5a83a7e2b6f013*"]}}
    },
    {
      "Sid": "Read",
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": [
        "arn:aws:s3:::BUCKET",
        "arn:aws:s3:::BUCKET/55d4c9b21f5a83a7e2b6f013*"
      ]
    }
  ]
}
"""
OURS = """\
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Read",
      "Effect": "Allow",
      "Action": "s3:GetObject",
      "Resource": "arn:aws:s3:::BUCKET/55d4c9b21f5a83a7e2b6f013/1ab2cd3e/*"
    },
    {
      "Sid": "List",
      "Effect": "Allow",
      "Action": "s3:ListBucket",
      "Resource": "arn:aws:s3:::BUCKET",
      "Condition": {"StringLike": {"s3:prefix": "55d4c9b21f5a83a7e2b6f013/1ab2cd3e/*"}}
    },
    {"Sid": "Locate", "Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": "arn:aws:s3:::BUCKET"}
  ]
}
"""
