"""The review page: FastAPI routes, Jinja2 templates and a little JavaScript that only improves on them.

`app.create_app` puts it together; `security` says who may come, `pages` renders, the other modules are one
group of routes each.
"""
