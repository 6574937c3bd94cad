"""Asks the system to forget what it remembers of files, so that the next program reads them from the disk:

    python bench/cold.py FILE_OR_FOLDER...

Nobody needs to be administrator for it. Says nothing; files that cannot be forgotten stay remembered.
"""

import os
import sys
from pathlib import Path

for given in map(Path, sys.argv[1:]):
    for path in given.rglob("*") if given.is_dir() else [given]:
        if path.is_file() and hasattr(os, "posix_fadvise"):
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
