"""An application at its start: two values, and one error that names all that is missing.

Run it where `agentsecrets init --import .env` or `agentsecrets secrets pull` was run before.
"""
import sys

from agentsecrets_core import load
from agentsecrets_core.errors import MissingSecrets


def connect(url: str, token: str) -> str:
    """Stands for whatever needs them."""
    return f"connected with {len(url)} and {len(token)} characters"


def main() -> int:
    try:
        secrets = load(require=["DATABASE_URL", "API_TOKEN"], max_age="24h")
    except MissingSecrets as error:
        print(error, file=sys.stderr)
        return 1
    print(secrets, repr(secrets["DATABASE_URL"]))  # neither shows a value
    print(connect(secrets["DATABASE_URL"].reveal(), secrets["API_TOKEN"].reveal()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
