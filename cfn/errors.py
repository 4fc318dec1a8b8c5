"""The error of a deployment."""


class DeploymentError(Exception):
    """Something that a person can put right; one sentence, printed without a traceback."""
