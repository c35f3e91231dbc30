# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of proofs."""

import pytest

from ansible_collections.containment.docker.plugins.module_utils import _proof_record as record

ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text, root, begun, pending, containers",
    [
        ("", None, [], None, []),
        ("/g", None, [], None, []),
        ("/g d\n", "/g d", [], None, []),
        ("/g\nbegin ima", "/g", [], None, []),
        ("/g\nbegin image\n", "/g", ["image"], "image", []),
        ("/g\nbegin image\nend image\n", "/g", ["image"], None, []),
        ("/g\nbegin image\nend image\nbegin container\n", "/g", ["image", "container"], "container", []),
        ("/g\nbegin container\nend container " + ID[:9] + "\n", "/g", ["container"], "container", []),
        ("/g\nbegin container\nend container " + ID, "/g", ["container"], "container", []),
        ("/g\nbegin container\nend container " + ID + "\n", "/g", ["container"], None, [ID]),
        (
            f"/g\nbegin container\nend container {ID}\nbegin container\n",
            *("/g", ["container", "container"], "container", [ID]),
        ),
    ],
)
def test_a_record_tells_how_far_a_run_came(text, root, begun, pending, containers):
    assert record.parse(text) == {"root": root, "begun": begun, "pending": pending, "containers": containers}
