"""Stand-ins for AWS: the Lambda Runtime API, S3, events and signatures."""
