"""The error of a deployment."""


class DeploymentError(Exception):
    """A problem that a person can solve; one sentence, printed without a traceback."""
