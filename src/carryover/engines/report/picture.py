"""The parser for `.. include:: losses.svg`: an SVG file as an embedded picture."""

from base64 import b64encode

from carryover.engines.report.html import HtmlParser


class Parser(HtmlParser):
    """A parser that turns an SVG file into an HTML image that contains the file; docutils would only link to it."""

    def html(self, text: str) -> str:
        return f'<img src="data:image/svg+xml;base64,{b64encode(text.encode()).decode()}" alt="">'
