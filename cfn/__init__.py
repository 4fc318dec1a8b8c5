"""The CloudFormation stacks: their templates, their contents, and how to deploy them."""
