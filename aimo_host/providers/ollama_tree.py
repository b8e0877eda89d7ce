"""A parsed page laid flat: its elements and texts in document order, each with its parent and the end of what is inside it.

It only knows HTML, nothing of what a page means. Scripts, styles and the like hold no text that a person reads, so they have none
here. Any text at all can be laid flat; a page built to keep the parser busy for seconds is refused.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNREAD = {"script", "style", "title"}

#: The parser's time grows with the square of nesting and of attributes. Measured (lexbor, 2026): half a second at these figures.
_MOST_TAGS = 20_000
_MANY_ATTRIBUTES = re.compile(r"""<[a-zA-Z](?:[^<>\s/"']*[\s/"']){10000}""")


class Tree:
    """Nodes by index, in document order. A text is a node without a tag, its spaces made single."""

    def __init__(self) -> None:
        self.title = ""
        self._tags: list[str] = []
        self._attributes: list[dict[str, str]] = []
        self._texts: list[str] = []
        self._parents: list[int] = []
        self._ends: list[int] = []
        self._with: dict[str, list[int]] = {}

    @classmethod
    def of(cls, body: str) -> Tree | None:
        """The page in `body`, or None if reading it would take too long."""
        if body.count("<") > _MOST_TAGS or _MANY_ATTRIBUTES.search(body):
            return None
        from selectolax.lexbor import LexborHTMLParser

        page = LexborHTMLParser(body.encode("utf-8", "replace"))
        tree = cls()
        title = page.css_first("title")
        tree.title = " ".join(title.text().split()) if title is not None else ""
        places: dict[int, int] = {}
        for node in page.root.traverse(include_text=True) if page.root is not None else ():
            above = -1 if node.parent is None else places.get(node.parent.mem_id, -1)
            if node.tag == "-text":
                tree._add_text(above, node.text_content or "")
            elif not (node.tag or "-").startswith("-"):
                places[node.mem_id] = tree._add(
                    above, node.tag or "", {key: value or "" for key, value in node.attributes.items()}, ""
                )
        tree._close()
        return tree

    def _add(self, parent: int, tag: str, attributes: dict[str, str], text: str) -> int:
        self._tags.append(tag)
        self._attributes.append(attributes)
        self._texts.append(text)
        self._parents.append(parent)
        for name in attributes:
            self._with.setdefault(name, []).append(self.size - 1)
        return self.size - 1

    def _add_text(self, parent: int, text: str) -> None:
        """A comment does not end a text: what it separates is read as one."""
        if parent < 0 or self._tags[parent] in _UNREAD:
            return
        if not self._tags[-1] and self._parents[-1] == parent:
            self._texts[-1] += text
        else:
            self._add(parent, "", {}, text)

    def _close(self) -> None:
        self._texts = [" ".join(text.split()) for text in self._texts]
        self._ends = list(range(1, self.size + 1))
        for index in range(self.size - 1, 0, -1):
            parent = self._parents[index]
            self._ends[parent] = max(self._ends[parent], self._ends[index])

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self._tags)

    @property
    def texts(self) -> list[int]:
        """The texts that hold more than space."""
        return [index for index, text in enumerate(self._texts) if text]

    def tag(self, index: int) -> str:
        """The name of an element, "" for a text."""
        return self._tags[index]

    def text(self, index: int) -> str:
        """A text's text, "" for an element."""
        return self._texts[index]

    def text_of(self, nodes: range) -> str:
        """All texts among `nodes`, with a space between."""
        return " ".join(text for text in self._texts[nodes.start : nodes.stop] if text)

    def attributes(self, index: int) -> dict[str, str]:
        """An element's attributes; one without a value has ""."""
        return self._attributes[index]

    def first_with(self, attribute: str, start: int) -> int:
        """The first element from `start` on that has `attribute`; the size where there is none."""
        places = self._with.get(attribute, [])
        place = bisect_left(places, start)
        return places[place] if place < len(places) else self.size

    def parent(self, index: int) -> int:
        """The element that holds this node; the page's first node has -1."""
        return self._parents[index]

    def end(self, index: int) -> int:
        """The first index that is not inside this node any more."""
        return self._ends[index]

    def ancestors(self, index: int) -> Iterator[int]:
        """The elements that hold this node, from the inside out."""
        while (index := self._parents[index]) >= 0:
            yield index

    def children(self, index: int) -> Iterator[int]:
        """The elements directly inside this one."""
        return (inside for inside in range(index + 1, self._ends[index]) if self._parents[inside] == index and self._tags[inside])
