"""What a person at the console can do something about."""


class DeploymentError(Exception):
    """One sentence: printed as it is, without a traceback."""
