"""How Sphinx makes the course's pages; `tools/site.py` calls it.

Nothing is executed, and nothing comes from another host: formulas are drawn
here, as SVG for the eye and MathML for a screen reader.
"""

import re
from html import escape

from docutils import nodes

from tools.formulas import formula

project = "AI image generation with GANs"
author = copyright = "The authors of this course"
extensions = ["myst_nb"]
root_doc = "index"
exclude_patterns = ["files", "_static", "_templates", "**/.*"]

nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_extra_path = ["files"]
html_css_files = ["course.css"]
html_js_files = ["course.js"]
html_copy_source = False
html_use_index = False
templates_path = ["_templates"]
html_show_sphinx = False


def visit_math(translator, node: nodes.math) -> None:
    text = formula(node.astext(), block=False)
    translator.body.append(f'<span class="formula">{text}</span>')
    raise nodes.SkipNode


def visit_math_block(translator, node: nodes.math_block) -> None:
    text = formula(node.astext(), block=True)
    name = escape(node.astext(), quote=True)
    translator.body.append(
        f'<div class="formula block" tabindex="0" role="group" '
        f'aria-label="formula" data-latex="{name}">{text}</div>'
    )
    raise nodes.SkipNode


def mend(app, name, template, context, doctree) -> None:
    """Name the language, level the sidebar's captions, fill empty headers."""
    if other := re.match(r"(?:notebooks/|README\.)([a-z]{2})(?:/|$)", name):
        context["language"] = other[1]
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )
    empty = r"<th([^>]*)>(?:<p></p>|\s)*</th>"
    context["body"] = re.sub(empty, r"<td\1></td>", context.get("body", ""))


def setup(app) -> None:
    app.add_html_math_renderer(
        "drawn", (visit_math, None), (visit_math_block, None)
    )
    app.connect("html-page-context", mend, priority=900)  # after the theme
