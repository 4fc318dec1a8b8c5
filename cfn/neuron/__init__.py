"""Networks for AWS Inferentia."""
