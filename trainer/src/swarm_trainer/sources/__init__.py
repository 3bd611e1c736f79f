"""Remote inputs: models, adapters and data at s3:// and hf:// become local folders and files, fetched once.

The cache holds a fetched input under the digest of its content (`fetch_cache`). Its address only leads to the digest. A
folder gets its name when it is whole, so a fetch that was killed is continued and never taken for a finished one.
"""
