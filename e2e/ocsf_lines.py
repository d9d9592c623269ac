"""Holds lines against OCSF's own schema, as the package `ocsf-json-schema` carries it."""

import functools
import json

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.8.0"


@functools.cache
def schema():
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))


@functools.cache
def validator(class_uid, profiles):
    name = schema().lookup_class_name_from_uid(class_uid)
    return jsonschema.Draft202012Validator(schema().get_class_schema(class_name=name, profiles=list(profiles)))


def faults(line):
    """What is wrong with one line; nothing where it is an event of OCSF."""
    event = json.loads(line)
    metadata = event["metadata"]
    found = [] if metadata["version"] == VERSION else [f"it says version {metadata['version']}"]
    if event["type_uid"] != event["class_uid"] * 100 + event["activity_id"]:
        found.append("type_uid does not fit class_uid and activity_id")
    against = validator(event["class_uid"], tuple(sorted(metadata.get("profiles", []))))
    return found + [f"{'/'.join(map(str, error.path))}: {error.message[:200]}" for error in against.iter_errors(event)]


def page(text):
    """The lines of a page that the house's own tests keep."""
    return [line for line in text.splitlines() if line.startswith("{")]
