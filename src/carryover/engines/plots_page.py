"""The page template of `dvc plots` with Vega's scripts in it, so that the page works offline."""

from pathlib import Path

from carryover.job.files import writing

PAGE = "plots/page.html"
"""The path of the template below .dvc; git ignores it, because it is generated."""

# DVC replaces {plot_divs} by its plots. Its own template also has {scripts}, which load Vega from the network.
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
    """Write the template, and set it in .dvc/config.local. Without this, DVC uses its own template.

    Vega, Vega-Lite and vega-embed come with Snakemake, whose reports use them, in the versions that DVC 3.67 loads.

    Args:
        project: the folder that contains .dvc.
    """
    from dvc.config import Config
    from snakemake.assets import Assets

    scripts = [Assets.get_content(f"{name}/{name}.js") for name in ("vega", "vega-lite", "vega-embed")]
    with writing(project / ".dvc" / PAGE) as file:
        file.write(TEMPLATE.replace("{vega}", "\n".join(f"<script>{script}</script>" for script in scripts)))
    with Config(project / ".dvc").edit("local") as config:
        config.setdefault("plots", {})["html_template"] = PAGE
