"""Figures, and HTML pages of a single file that loads nothing: reports of training and gradients, `elmo-np explore`.

    plots.py      figures drawn by matplotlib, in one style
    page.py       the frame of all pages: style.css, theme.js, the policy that keeps text from becoming code
    reports.py    reports of training and of gradient checks, with reports.css and the curves of chart.py
    explore.py    the page to explore: explore.html, explore.css, scatter.js (the points) and explore.js (the rest)
    geometry.py   where each occurrence of a word lies in each layer, and which are nearest to it

All of this may be changed freely: nothing reads the pages or figures back. A new section of the training report is an
entry in `reports.SECTIONS`. Two things must stay: pages load nothing from the network, and all text from a corpus is
escaped or goes through `page.embedded`.
"""
