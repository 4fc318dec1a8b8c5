"""CloudFormation custom resources: what a stack does beyond making resources of AWS."""
