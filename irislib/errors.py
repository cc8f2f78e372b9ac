"""Errors that a user can mend: one line that names the culprit and the remedy."""


class IrislibError(Exception):
    """Base of every error shown to the user as one line, without a traceback."""


class ParamError(IrislibError):
    """A parameter is unknown, ill-typed or impossible. The message starts with its full name."""


class ArtifactError(IrislibError):
    """An artifact is missing, foreign or damaged. The message starts with its path."""
