"""Pages for a browser, each one file that fetches nothing: `elmo-np explore`, reports of training and gradients.

    page.py         the frame of all of them: style.css, theme.js, what keeps a text a text
    occurrences.py  which words and which of their occurrences a page shows
    geometry.py     where an occurrence is drawn in every layer, and which are nearest to it
    explore.py      the page to explore: explore.html and explore.css, scatter.js (the points), explore.js (the rest)
    reports.py      the reports, with their curves from chart.py
"""
