"""Reading XML that others wrote: no entities, no network, no unbounded trees."""

from __future__ import annotations

from lxml import etree

from tunewright.errors import DataError

MAX_XML_BYTES = 256 << 20


def parse_xml(data: bytes, name: str) -> etree._Element:
    """The root of an XML file, or DataError with the line where it breaks.

    A document type declaration is refused: item banks need none, and it is how entities expand without end.
    """
    if len(data) > MAX_XML_BYTES:
        raise DataError(f"{name}: {len(data):,} bytes of XML are more than the {MAX_XML_BYTES:,} read here")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=len(data) > 10 << 20
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise DataError(f"{name}:{error.lineno}: is not well-formed XML: {error.msg}") from None
    if root.getroottree().docinfo.doctype:
        raise DataError(f"{name}: has a document type declaration, which item banks do not use; remove it")
    return root


def local_name(node: etree._Element) -> str:
    """The name of an element without its namespace; '' for a comment."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
