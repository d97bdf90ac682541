"""The page on which `dvc plots` draws, with Vega's scripts in it: it opens without a network."""

from pathlib import Path

from carryover.job.files import writing

PAGE = "plots/page.html"
"""Below .dvc; git ignores it, since it is made."""

# DVC puts its plots in place of {plot_divs}. Its own page has {scripts} too, which load Vega from the network.
TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Carryover: plots</title>
{vega}
<style>
body { font-family: sans-serif; margin: 2em; }
body > div { margin-bottom: 2em; overflow-x: auto; border: none !important; }
/* The pictures of two commits side by side, however large they are. */
img { max-width: min(46vw, 60em); }
</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def offline_plots(project: Path) -> None:
    """Write the page, and let DVC take it, in .dvc/config.local: where nobody has done so, DVC takes its own.

    Vega, Vega-Lite and vega-embed come with Snakemake, whose reports use them, in the versions that DVC 3.67 loads.

    Args:
        project: the folder with .dvc in it.
    """
    from dvc.config import Config
    from snakemake.assets import Assets

    scripts = [Assets.get_content(f"{name}/{name}.js") for name in ("vega", "vega-lite", "vega-embed")]
    with writing(project / ".dvc" / PAGE) as file:
        file.write(TEMPLATE.replace("{vega}", "\n".join(f"<script>{script}</script>" for script in scripts)))
    with Config(project / ".dvc").edit("local") as config:
        config.setdefault("plots", {})["html_template"] = PAGE
