"""The parser for `.. include:: losses.svg`: an SVG file as a picture that needs no file."""

from base64 import b64encode

from carryover.engines.report.html import HtmlParser


class Parser(HtmlParser):
    """An SVG file as an HTML image whose source is the file itself; docutils would link to it."""

    def html(self, text: str) -> str:
        return f'<img src="data:image/svg+xml;base64,{b64encode(text.encode()).decode()}" alt="">'
