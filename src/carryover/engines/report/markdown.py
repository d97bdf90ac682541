"""The parser for `.. include:: verdict.md`: Markdown, with its tables."""

from markdown_it import MarkdownIt

from carryover.engines.report.html import HtmlParser


class Parser(HtmlParser):
    """A parser that turns Markdown into HTML; HTML in the Markdown is shown as text."""

    def html(self, text: str) -> str:
        rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
        return rendered
