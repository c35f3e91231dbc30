# SPDX-License-Identifier: GPL-3.0-or-later
"""How a case is written down, and put in its folder.

What a case is to become is written here as old and new text, by hand: the module under test is not asked. grub.cfg of
Debian and Ubuntu as it was before is what grub-mkconfig makes of the files: Debian's real one, a stand-in where a case
names it.
"""

import json
import shutil
import tempfile
from pathlib import Path

from .place import Place

CASES = Path(__file__).parent / "cases"
FOUND = []
GENERATED = Path(__file__).parent / "dropin.cfg"


def dropin(declares):
    """Return our drop-in that declares {name: words}, or [(name, words)]: the golden one in dropin.cfg, with these."""
    text = GENERATED.read_text()
    declares = list(declares.items()) if isinstance(declares, dict) else declares
    lines = [f"#: {json.dumps({'name': name, 'words': words})}\n" for name, words in declares]
    words = " ".join(word for _name, ours in declares for word in ours)
    patterns = []
    for name in sorted({name for name, _words in declares}):
        name = name.replace("_", "[-_]")
        patterns += [name, name + "=*", '\\"' + name + '\\"', '\\"' + name + "=*"]
    text = text.replace("@DECLARED@\n", "".join(lines)).replace("@WORDS@", words)
    return text.replace("@PATTERNS@", " | \\\n            ".join(patterns))


def case(name, files, run, change=(), gone=(), new=None, **facts):
    """Note a case. change: [(path, old, new)], each to be found. new: {path: text} of files that appear.

    facts: what the result has to say, and "suite", "standins", "running" of its place.
    """
    FOUND.append((name, files, run, change, gone, new or {}, facts))


def write(name, files, run, change, gone, new, facts):
    folder = CASES / name
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        place = folder / "before" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        if path.startswith("etc/grub.d/"):
            place.chmod(0o755)
    if facts.pop("make", False):
        config = folder / "before/boot/grub/grub.cfg"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text("")
        with tempfile.TemporaryDirectory() as scratch:
            standins = facts.get("standins", [])
            shape = {key: facts[key] for key in ("quiet", "ubuntu") if key in facts}
            place = Place(Path(scratch), facts["suite"], folder / "before", standins, **shape)
            language = f"LANG={facts.pop('language', 'C')}"
            config.write_bytes(place.run(["env", "-u", "LC_ALL", "-u", "LANGUAGE", language, "grub-mkconfig"]).stdout)
            place.close()
        for path, text in facts.pop("later", {}).items():
            (folder / "before" / path).write_text(text)
    after = {}
    for path, old, now in change:
        text = after.get(path) or (folder / "before" / path).read_text()
        assert old in text, (name, path, old, text)
        after[path] = text.replace(old, now)
    for path, text in {**after, **new}.items():
        (folder / "after" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "after" / path).write_text(text)
    text = json.dumps({"run": run, "gone": list(gone), **facts}, indent=2, sort_keys=True)
    (folder / "request.json").write_text(text + "\n")
