"""The base class of the parsers in this package."""

from abc import abstractmethod

from docutils import nodes, parsers


class HtmlParser(parsers.Parser):
    """A docutils parser that turns the whole text into HTML."""

    @abstractmethod
    def html(self, text: str) -> str:
        """Return the text as HTML, which goes into the page unchanged."""

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse a text; docutils calls this."""
        self.setup_parse(inputstring, document)
        document += nodes.raw("", self.html(inputstring), format="html")
        self.finish_parse()
