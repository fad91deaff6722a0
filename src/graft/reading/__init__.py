"""From what the user has to a data set: folders, tables, lists, archives."""
