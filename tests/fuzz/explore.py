"""The command: python tests/fuzz/explore.py FOLDER [-max_total_time=600]. Needs atheris, which is no dependency.

Belongs here: the fuzzer, and the corpus as it lies in a folder. May not know: what is promised (`wall`).

    explore.py FOLDER OPTIONS   puts the corpus into the folder, then looks for bytes that break a promise until told to
                                stop; an offence is written to a file named crash-...
    explore.py --keep FOLDER    takes the folder's files into the corpus, which the tests replay: what was found new,
                                and an offence once it is mended
"""

from __future__ import annotations

import base64
import sys
from hashlib import sha256
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus.txt")
"""An input on each line, in Base64, in the order of their length: a text file, so that a change can be read."""


def corpus() -> list[bytes]:
    """The inputs that are kept."""
    return [base64.b64decode(line) for line in CORPUS.read_text(encoding="ascii").splitlines()]


def keep(folder: Path) -> None:
    """Take a folder's files into the corpus."""
    inputs = {*(corpus() if CORPUS.exists() else ()), *(each.read_bytes() for each in folder.iterdir())}
    lines = [base64.b64encode(each).decode() for each in sorted(inputs, key=lambda data: (len(data), data))]
    CORPUS.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def main(arguments: list[str]) -> int:
    """Explore, or keep; 2 where there is no atheris."""
    if arguments[1:2] == ["--keep"]:
        keep(Path(arguments[2]))
        return 0
    try:
        import atheris
    except ImportError:
        sys.stderr.write("explore: atheris is not installed (pip install atheris); it has no wheel for every Python\n")
        return 2
    folder = Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    for data in corpus():
        (folder / sha256(data).hexdigest()[:20]).write_bytes(data)
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    with atheris.instrument_imports(include=["saddlebag.server", "wall"]):
        import wall
    atheris.Setup(arguments, wall.one_input)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
