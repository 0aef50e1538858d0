"""Keeps what is made up harmless: nothing is made outside of the scratch folder, and the administrator who asks is left alone.

schemathesis learns names from answers, so it would soon disable the very user whose token it has.
"""

import os

import schemathesis

ASKS, INSTEAD = "admin@pbs", "made-up@pbs"


@schemathesis.hook
def before_load_schema(context, raw_schema):
    # The token is in a header of every request; made-up tickets would only be refused, three seconds each.
    raw_schema["components"].pop("securitySchemes", None)
    for item in raw_schema["paths"].values():
        for operation in item.values():
            operation.pop("security", None)


def harmless(context, values):
    if not isinstance(values, dict):
        return values
    for name, value in values.items():
        if isinstance(value, str) and ASKS in value:
            values[name] = value.replace(ASKS, INSTEAD)
    if "path" in values and context.operation.path == "/config/datastore":
        values["path"] = os.path.join(os.environ["STRONGROOM_SCRATCH"], "made-up")
    return values


@schemathesis.hook
def map_body(context, body):
    return harmless(context, body)


@schemathesis.hook
def map_query(context, query):
    return harmless(context, query)


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    return harmless(context, path_parameters)
