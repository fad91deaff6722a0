"""Objects in the stores of clouds: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

One way to all of them, by obstore: read, written, listed, and brought into the cache as a file or folder.
"""

from graft.buckets.addresses import BucketAddress, is_bucket_address
from graft.buckets.fetching import Brought, bring, fetch
from graft.buckets.objects import BucketListing, BucketObject, list_objects, read_bytes, write_bytes

__all__ = [
    "Brought",
    "BucketAddress",
    "BucketListing",
    "BucketObject",
    "bring",
    "fetch",
    "is_bucket_address",
    "list_objects",
    "read_bytes",
    "write_bytes",
]
