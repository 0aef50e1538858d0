"""The description at /api2/openapi.json is a valid OpenAPI 3.1 document."""

import requests
from openapi_spec_validator import OpenAPIV31SpecValidator


def check(house):
    document = requests.get(f"{house.url}/api2/openapi.json", verify=False, timeout=30).json()
    errors = list(OpenAPIV31SpecValidator(document).iter_errors())
    for error in errors[:20]:
        print(f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}")
    assert not errors, f"{len(errors)} errors"
    operations = sum(len(item) for item in document["paths"].values())
    assert operations > 100, operations
    print(f"valid OpenAPI {document['openapi']}: {operations} operations")
