"""The one error that says the user's input cannot work."""


class BadInputError(Exception):
    """Refused: the message names the value, the rule it breaks and the way out, in one line.

    Trying again cannot help, so no host retries it; the command line turns it into exit code 2.
    """
