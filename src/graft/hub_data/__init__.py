"""Data sets of the Hugging Face hub, brought into the cache as files and tables that are read like any others."""

from graft.hub_data.addresses import HubDataAddress, is_hub_data_address
from graft.hub_data.bringing import BroughtDataset, bring_dataset

__all__ = ["BroughtDataset", "HubDataAddress", "bring_dataset", "is_hub_data_address"]
