"""``python -m graft``: the same as the command ``graft``."""

from graft.cli import main

if __name__ == "__main__":
    main()
