"""The launcher, what it starts inside .venv, and maintainers' scripts."""

import sys

# nbformat imports jsonschema, which would compile a grammar of internet
# addresses for 2 to 3 s in every process. No notebook needs that check, and
# jsonschema does without the module where it cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
