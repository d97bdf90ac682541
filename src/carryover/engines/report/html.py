"""What the parsers of this package share."""

from abc import abstractmethod

from docutils import nodes, parsers


class HtmlParser(parsers.Parser):
    """A parser of docutils that turns the whole text into HTML."""

    @abstractmethod
    def html(self, text: str) -> str:
        """The text as HTML, which is put into the page as it is."""

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """As docutils asks of a parser."""
        self.setup_parse(inputstring, document)
        document += nodes.raw("", self.html(inputstring), format="html")
        self.finish_parse()
