"""Infrastructure as code: everything that the handlers stand on, as a CloudFormation template."""
