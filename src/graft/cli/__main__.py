"""``python -m graft.cli``."""

from graft.__main__ import main

if __name__ == "__main__":
    main()
