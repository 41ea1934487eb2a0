"""Pages as readers see them, and whether they are whole."""

import re
from html.parser import HTMLParser

VOID = {"meta", "col", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """A page whose elements must be closed in the order in which they were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.text += "" if self.open and self.open[-1] == "style" else f" {data}"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


def check_page(html: str) -> Page:
    """Return a page of which nothing is loaded or run, and whose tables and pictures say what they are."""
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.elements}
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[^\"]*", "", html))
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in page.all("img"))
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "prefers-color-scheme: dark" in html
    assert len(page.all("table")) == len(page.all("caption"))
    assert {cell.get("scope") for cell in page.all("th")} <= {"col", "colgroup", "row"}
    assert all(image["alt"] for image in page.all("img"))
    labelled = {region["aria-labelledby"] for region in page.all("div") if region.get("role") == "region"}
    assert labelled <= {heading.get("id") for tag in ("h2", "h3") for heading in page.all(tag)}
    assert page.all("html") == [{"lang": "en"}]
    return page
