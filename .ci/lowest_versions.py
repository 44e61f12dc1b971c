"""Constraints for pip: the lowest version of every dependency that pyproject.toml allows.

    python .ci/lowest_versions.py > lowest.txt; pip install -c lowest.txt '.[test]'

What these need themselves is of the same time: newer versions of that warn of calls that only newer versions of these
avoid, and in the tests a warning is an error.
"""

import re
from pathlib import Path

OF_THEIR_TIME = {"matplotlib": "pyparsing<3.3", "scikit-learn": "scipy<1.16"}


def main() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    tables = text[text.index("\ndependencies"):text.index("\nlint =")]
    for name, version in sorted(set(re.findall(r'"([\w-]+)>=([\d.]+)', tables))):
        print(f"{name}=={version}")
        if name in OF_THEIR_TIME:
            print(OF_THEIR_TIME[name])


if __name__ == "__main__":
    main()
