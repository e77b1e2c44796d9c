"""A QTI content package: a zip with `imsmanifest.xml`, one file for each item, and a style sheet.

The metadata stands in the manifest as LOM keywords "skill: reading", which platforms index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lxml import etree
from lxml.etree import SubElement

from tunewright.bank.check import META_NAME
from tunewright.bank.packages import Package, normal_name, open_package, write_package
from tunewright.bank.qti_names import Dialect, spelled
from tunewright.bank.qti_read import NotRead, question_of_item
from tunewright.bank.qti_write import STYLE_SHEET, STYLE_SHEET_TEXT, item_of
from tunewright.bank.question import Question
from tunewright.bank.xml import local_name, parse_xml
from tunewright.errors import DataError
from tunewright.records import Reject
from tunewright.records.reject import cut

MANIFEST = "imsmanifest.xml"
_LOM = "http://ltsc.ieee.org/xsd/LOM"


def write_qti(questions: Sequence[Question], path: Path, dialect: Dialect) -> None:
    """The questions as a package in one dialect; each question has passed `fault_of`."""
    write_package(path, _files(questions, dialect))


def _files(questions: Sequence[Question], dialect: Dialect) -> Iterator[tuple[str, bytes]]:
    names = identifiers([question.id for question in questions])
    yield MANIFEST, _serialised(_manifest(questions, names, dialect))
    yield STYLE_SHEET, STYLE_SHEET_TEXT.encode()
    for question, name in zip(questions, names, strict=True):
        yield f"{name}.xml", _serialised(spelled(item_of(question, name), dialect))


def identifiers(ids: Sequence[str]) -> list[str]:
    """A different XML name and file name for each id, as like it as can be."""
    taken: set[str] = set()
    names = []
    for identifier in ids:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", identifier)[:60].rstrip(".")
        name = name if re.match(r"[A-Za-z_]", name) else f"item_{name}"
        unique, number = name, 2
        while unique.lower() in taken:  # file systems that ignore case
            unique, number = f"{name}-{number}", number + 1
        taken.add(unique.lower())
        names.append(unique)
    return names


def _manifest(questions: Sequence[Question], names: Sequence[str], dialect: Dialect) -> etree._Element:
    space = dialect.packaging
    nsmap = {None: space, "imsmd": _LOM}
    root = etree.Element(f"{{{space}}}manifest", nsmap=nsmap, identifier="MANIFEST")
    metadata = SubElement(root, f"{{{space}}}metadata")
    SubElement(metadata, f"{{{space}}}schema").text = dialect.schema_name
    SubElement(metadata, f"{{{space}}}schemaversion").text = dialect.schema_version
    SubElement(root, f"{{{space}}}organizations")
    resources = SubElement(root, f"{{{space}}}resources")
    for question, name in zip(questions, names, strict=True):
        resource = SubElement(resources, f"{{{space}}}resource", identifier=f"RES-{name}")
        resource.set("type", dialect.resource_type)
        resource.set("href", f"{name}.xml")
        lom = SubElement(SubElement(resource, f"{{{space}}}metadata"), f"{{{_LOM}}}lom")
        _describe(SubElement(lom, f"{{{_LOM}}}general"), question)
        SubElement(resource, f"{{{space}}}file", href=f"{name}.xml")
        SubElement(resource, f"{{{space}}}file", href=STYLE_SHEET)
    return root


def _describe(general: etree._Element, question: Question) -> None:
    identifier = SubElement(general, f"{{{_LOM}}}identifier")
    SubElement(identifier, f"{{{_LOM}}}entry").text = question.id
    for name, value in question.meta.items():
        keyword = SubElement(general, f"{{{_LOM}}}keyword")
        SubElement(keyword, f"{{{_LOM}}}string").text = f"{name}: {value}"


def _serialised(root: etree._Element) -> bytes:
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return data


def read_qti(path: Path) -> Iterator[Question | Reject]:
    """The questions of a package of QTI 2.x or 3.0, or of one item file, in the manifest's order.

    A broken item is a reject with its file in the package. DataError when the package itself cannot be read.
    """
    if path.suffix.lower() == ".xml":
        yield _question(path.read_bytes(), str(path), 0, {})
        return
    with open_package(path) as package:
        if MANIFEST not in package.names:
            raise DataError(f"{path}: holds no {MANIFEST}, so it is no QTI content package")
        manifest = parse_xml(package.read(MANIFEST), f"{path}/{MANIFEST}")
        yield from _items(package, manifest)


def qti_format(path: Path) -> str:
    """The format that a package or item has: `qti3`, or `qti21` for all of 2.x.

    3.0 is told by the name of an item's root and by the type of its resources; `read_qti` can read the file.
    """
    if path.suffix.lower() == ".xml":
        root = parse_xml(path.read_bytes(), str(path))
        return "qti3" if local_name(root).startswith("qti-") else "qti21"
    with open_package(path) as package:
        manifest = parse_xml(package.read(MANIFEST), f"{path}/{MANIFEST}")
    types = [(resource.get("type") or "").lower() for resource in manifest.iter("{*}resource")]
    return "qti3" if any(re.match("imsqti_item_xmlv3", one) for one in types) else "qti21"


def _items(package: Package, manifest: etree._Element) -> Iterator[Question | Reject]:
    number = 0
    for resource in manifest.iter("{*}resource"):
        if not (resource.get("type") or "").lower().startswith("imsqti_item"):
            continue
        number += 1
        href = resource.get("href") or ""
        where = f"{package.path}/{href}"
        try:
            name = normal_name(href)
            if not name:
                raise NotRead(f"the manifest's href {href!r} leads out of the package")
            data = package.read(name)
        except (DataError, NotRead) as error:
            yield Reject(where, 0, "", f"question {number}: {error}", "")
            continue
        yield _question(data, where, number, _keywords(resource))


def _keywords(resource: etree._Element) -> dict[str, str]:
    """The LOM keywords of the form "name: value"."""
    meta = {}
    for keyword in resource.iter("{*}keyword"):
        text = "".join(node.text or "" for node in keyword if local_name(node) in ("string", "langstring"))
        name, colon, value = text.partition(": ")
        if colon and META_NAME.fullmatch(name):
            meta[name] = value
    return meta


def _question(data: bytes, where: str, number: int, meta: dict[str, str]) -> Question | Reject:
    try:
        question = question_of_item(parse_xml(data, where))
    except (DataError, NotRead, ValueError) as error:
        return Reject(where, 0, "", f"question {number}: {error}" if number else str(error), cut(data))
    return replace(question, meta=meta)
