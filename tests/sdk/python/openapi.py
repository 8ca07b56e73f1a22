"""Says whether the file named on the command line is an OpenAPI 3.1 document, and if not, why."""

import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
findings = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
for finding in findings[:20]:
    print(finding)
sys.exit(1 if findings else 0)
