# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the variable section of roles/ROLE/README.md, between two markers, as meta/argument_specs.yml says.

Without arguments it checks and names each README that differs; with --write it rewrites them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- made from meta/argument_specs.yml: begin -->\n"
END = "<!-- made from meta/argument_specs.yml: end -->\n"


def text_of(value):
    """A description, which is a string or a list of them, as the text of one table cell."""
    parts = [value] if isinstance(value, str) else value or []
    text = " ".join(" ".join(str(part).split()) for part in parts).replace("|", "\\|")
    return re.sub(r"\b[CMOPV]\(([^)]*)\)", r"`\1`", text)


def type_of(option):
    kind = option.get("type", "str")
    if kind == "list" and "elements" in option:
        kind = f"list of {option['elements']}"
    return f"{kind}: {', '.join(map(str, option['choices']))}" if "choices" in option else kind


def default_of(option):
    if option.get("required"):
        return "required"
    if "default" not in option:
        return ""
    return "`" + yaml.safe_dump(option["default"], default_flow_style=True, width=1000).split("\n...")[0].strip() + "`"


def rows(options, prefix=""):
    for name, option in options.items():
        description = text_of(option.get("description"))
        yield f"| `{prefix}{name}` | {type_of(option)} | {default_of(option)} | {description} |\n"
        yield from rows(option.get("options", {}), f"{prefix}{name}.")


def section(specs):
    """The generated text: one table for each entry point of the role."""
    text = ""
    for entry, spec in specs.items():
        if entry != "main" and spec == specs["main"]:
            continue  # an inner step that checks the role's variables again
        text += f"\n### Entry point `{entry}`\n\n{text_of(spec.get('short_description'))}\n"
        if spec.get("options"):
            text += "\n| Variable | Type | Default | Meaning |\n| --- | --- | --- | --- |\n"
            text += "".join(rows(spec["options"]))
    return BEGIN + text + "\n" + END


def rendered(role):
    """-> (README as it is, README as it ought to be). Ends the program in words when a file or marker is missing."""
    readme = role / "README.md"
    specs = role / "meta" / "argument_specs.yml"
    for needed in (readme, specs):
        if not needed.is_file():
            sys.exit(f"{needed.relative_to(ROOT)} is missing")
    text = readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        sys.exit(f"{readme.relative_to(ROOT)} needs these two lines, in this order:\n{BEGIN}{END}")
    before, after = text[: text.index(BEGIN)], text[text.index(END) + len(END) :]
    return text, before + section(yaml.safe_load(specs.read_text())["argument_specs"]) + after


def main(arguments):
    stale = 0
    for role in sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir()):
        text, wanted = rendered(role)
        if text == wanted:
            continue
        if arguments == ["--write"]:
            (role / "README.md").write_text(wanted)
        else:
            print(f"roles/{role.name}/README.md differs from meta/argument_specs.yml: run 'make docs ARGS=--write'")
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
