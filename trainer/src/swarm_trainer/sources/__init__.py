"""Inputs from elsewhere: models, adapters and data at s3:// and hf:// become folders and files of this machine, once.

What was fetched lies in a cache by the digest of what it holds (`depot`); where it came from only leads there. A folder
is whole before it has its name, so a fetch that was killed is gone on with and never taken for one that ended.
"""
