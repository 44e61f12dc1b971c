"""The site: the tutorials, the equation sheet, the guide and the project's other pages for a browser.

    sphinx-build -W -c tutorials . site         in the project's directory; then open site/index.html

It works from the disk or from any server, without a network: search and mathematics are in the site.
"""

from importlib.util import find_spec
from pathlib import Path

from elmo_np import __version__

# One file with MathJax and its fonts, so that formulas need no network. The module's name is not one to import.
MATHJAX = Path(str(find_spec("sphinx-mathjax-offline").origin)).parent / "static/mathjax/tex-svg.js"

project = "elmo_np"
version = release = __version__
extensions = ["myst_parser", "sphinx_copybutton", "elmo_np.tutorial.site"]
root_doc = "README"
include_patterns = ["*.md", "tutorials/*.md", "benchmarks/*.md", "kernels/*.md"]
exclude_patterns = [".venv", "build", "site"]

myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4            # the same anchors as GitHub's

html_theme = "furo"
html_title = "elmo_np"
html_static_path = ["site.css", str(MATHJAX)]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
mathjax_path = "tex-svg.js"
copybutton_selector = ".highlight-python pre, .highlight-sh pre"
