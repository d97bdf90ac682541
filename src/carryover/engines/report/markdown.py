"""The parser for `.. include:: verdict.md`: Markdown, with its tables."""

from markdown_it import MarkdownIt

from carryover.engines.report.html import HtmlParser


class Parser(HtmlParser):
    """Turns Markdown into HTML; HTML in it is shown as text."""

    def html(self, text: str) -> str:
        rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
        return rendered
