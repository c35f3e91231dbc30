# Copyright: (c) 2026, containment.docker contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the program in Rego that reads the names of images, as _authz_names does. Text alone."""

TEXT = r"""
### The names of images (distribution/reference)

image_of(thing) := new_image(thing.text) if thing.as == "new"

image_of(thing) := image(thing.text) if thing.as == "one"

image_of(thing) := found if {
    thing.as == "all"
    found := image(thing.text)
    is_narrow(thing.text, found)
}

image_of(thing) := object.union(found, {"tag": null}) if {
    thing.as == "all"
    found := image(thing.text)
    not is_narrow(thing.text, found)
}

is_narrow(_, found) if found.id != null

is_narrow(text, _) if contains(text, "@")

is_narrow(text, _) if regex.match(`:[^/]*$`, text)

image(text) := new_image(text) if not begins_id(text)

begins_id(text) if {
    count(text) < 64
    regex.match(tables.patterns.hex, text)
}

full_id(text) := concat("", ["sha256:", text]) if {
    count(text) == 64
    regex.match(tables.patterns.hex, text)
}

full_id(text) := text if startswith(text, "sha256:")

new_image(text) := {"repository": null, "tag": null, "digest": null, "id": id} if {
    id := full_id(text)
    regex.match(tables.patterns.digest, id)
}

new_image(text) := {"repository": concat("/", [domain, rest]), "tag": tag, "digest": digest, "id": null} if {
    not full_id(text)
    name := split(text, "@")[0]
    digest := digest_in(text)
    is_tag(tag_in(name))
    domain := domain_in(untagged(name))
    rest := rest_in(untagged(name))
    regex.match(tables.patterns.domain, domain)
    regex.match(tables.patterns.repository, rest)
    count(domain) + count(rest) <= 254
    tag := tag_of(name, digest)
}

digest_in(text) := null if not contains(text, "@")

digest_in(text) := digest if {
    contains(text, "@")
    digest := substring(text, indexof(text, "@") + 1, -1)
    regex.match(tables.patterns.digest, digest)
}

is_tag(null)

is_tag(text) if regex.match(tables.patterns.tag, text)

tag_of(_, digest) := null if digest != null

tag_of(name, null) := "latest" if tag_in(name) == null

tag_of(name, null) := tag_in(name) if tag_in(name) != null

last_colon(name) := regex.find_all_string_submatch_n(`^((?s:.*)):([^:/]*)$`, name, 1)

untagged(name) := name if last_colon(name) == []

untagged(name) := last_colon(name)[0][1]

tag_in(name) := null if last_colon(name) == []

tag_in(name) := last_colon(name)[0][2]

has_domain(name) if {
    contains(name, "/")
    regex.match(`[.:]`, split(name, "/")[0])
}

has_domain(name) if startswith(name, "localhost/")

has_domain(name) if {
    contains(name, "/")
    lower(split(name, "/")[0]) != split(name, "/")[0]
}

domain_in(name) := "docker.io" if not has_domain(name)

domain_in(name) := object.get({"index.docker.io": "docker.io"}, domain, domain) if {
    has_domain(name)
    domain := split(name, "/")[0]
}

path_in(name) := name if not has_domain(name)

path_in(name) := substring(name, indexof(name, "/") + 1, -1) if has_domain(name)

is_library(name) if {
    domain_in(name) == "docker.io"
    not contains(path_in(name), "/")
}

rest_in(name) := concat("", ["library/", path_in(name)]) if is_library(name)

rest_in(name) := path_in(name) if not is_library(name)

# An image's name of which the tag, or the digest, comes as a parameter of its own.
joined(name, "") := name

joined(name, tag) := concat(object.get({true: "@"}, contains(tag, ":"), ":"), [untagged(name), tag]) if {
    tag != ""
    not contains(name, "@")
}
"""
