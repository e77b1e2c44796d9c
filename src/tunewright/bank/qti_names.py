"""QTI 2.1 and 3.0 are one language with two spellings; items are built and read in the 2.1 spelling.

3.0 writes `choiceInteraction` as `qti-choice-interaction` and `responseIdentifier` as `response-identifier`,
leaves the HTML elements alone, allows `dir` on them, and wraps the content of feedback and rubrics in
`qti-content-body`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_HTML = {"div", "br", "p", "span", "b", "i", "em", "strong", "ul", "ol", "li", "pre", "img", "a", "table"}
_WRAPPED = {"modalFeedback", "rubricBlock"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version of QTI: namespaces, the types its manifest names, and where its schemas are published."""

    version: str
    namespace: str
    packaging: str
    resource_type: str
    schema_name: str
    schema_version: str
    schema_location: str


QTI21 = Dialect(
    version="2.1",
    namespace="http://www.imsglobal.org/xsd/imsqti_v2p1",
    packaging="http://www.imsglobal.org/xsd/imscp_v1p1",
    resource_type="imsqti_item_xmlv2p1",
    schema_name="QTIv2.1 Package",
    schema_version="1.0.0",
    schema_location="http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd",
)
QTI3 = Dialect(
    version="3.0",
    namespace="http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
    packaging="http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1",
    resource_type="imsqti_item_xmlv3p0",
    schema_name="QTI Package",
    schema_version="3.0.0",
    schema_location="https://purl.imsglobal.org/spec/qti/v3p0/schema/xsd/imsqti_asiv3p0_v1p0.xsd",
)


def spelled(item: etree._Element, dialect: Dialect) -> etree._Element:
    """A copy of an item without namespace, spelled and placed in the dialect's namespace."""
    root = _copy(item, dialect)
    root.set(f"{{{_XSI}}}schemaLocation", f"{dialect.namespace} {dialect.schema_location}")
    return root


def unspelled(item: etree._Element) -> etree._Element:
    """An item of any 2.x or 3.0 file in the 2.1 spelling, without namespaces."""
    name = etree.QName(item).localname
    plain = etree.Element(_camel(name.removeprefix("qti-")) if name.startswith("qti-") else name)
    for attribute, value in item.attrib.items():
        local = etree.QName(attribute).localname
        plain.set(local if local.startswith("data-") else _camel(local), value)
    plain.text = item.text
    last: etree._Element | None = None
    for child in item:
        if not isinstance(child.tag, str):
            # a comment's text is nothing, but what stands after it belongs to the item
            if last is None:
                plain.text = (plain.text or "") + (child.tail or "")
            else:
                last.tail = (last.tail or "") + (child.tail or "")
            continue
        copied = unspelled(child)
        copied.tail = child.tail
        plain.append(copied)
        last = copied
    return plain


def _copy(node: etree._Element, dialect: Dialect) -> etree._Element:
    is_new = dialect.version == "3.0"
    name = str(node.tag)
    spelled_name = f"qti-{_kebab(name)}" if is_new and name not in _HTML else name
    result = etree.Element(f"{{{dialect.namespace}}}{spelled_name}", nsmap={None: dialect.namespace})
    for attribute, value in node.attrib.items():
        if attribute == "dir" and not is_new:
            continue  # 2.1 has no such attribute; the class "rtl" and the style sheet say it
        if attribute == "use" and not is_new:
            continue
        result.set(_kebab(str(attribute)) if is_new else attribute, value)
    target = result
    if is_new and name in _WRAPPED:
        target = etree.SubElement(result, f"{{{dialect.namespace}}}qti-content-body")
    target.text = node.text
    for child in node:
        copied = _copy(child, dialect)
        copied.tail = child.tail
        target.append(copied)
    return result


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: "-" + match[1].lower(), name)


def _camel(name: str) -> str:
    return re.sub(r"-([a-z])", lambda match: match[1].upper(), name)
