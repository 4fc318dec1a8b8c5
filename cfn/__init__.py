"""The three CloudFormation stacks: their templates, their contents, and how to deploy them."""
