"""Files that lie beside an exported graph as they stand here: they run without Graft."""
