"""How JSON is laid out in an answer that is held to a form, in llguidance's words."""

from typing import Any

# Between the parts of JSON at most one space, or one line break with its indentation: where any amount is allowed,
# small models may write white space until the context is full. No keyword is ignored, whatever the schema says of that.
JSON_OPTIONS: Any = {"whitespace_pattern": r" |\n[ \t]{0,20}", "lenient": False}
