"""The error for invalid input of the user."""


class BadInputError(Exception):
    """The input of the user is invalid. The message names the value, the rule and the way out on one line.

    Another attempt cannot succeed, so no host retries. The command line exits with code 2.
    """
