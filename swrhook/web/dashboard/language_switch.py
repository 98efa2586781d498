"""The switch of languages at the foot of every page, also before signing in."""

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, g, make_response, redirect, request
from werkzeug.exceptions import BadRequest

from swrhook.web.access import resume_session
from swrhook.web.context import WebContext
from swrhook.web.cookies import set_cookie
from swrhook.web.dashboard.paths import local_path
from swrhook.web.languages import COOKIE, to_language
from swrhook.wording.message import say

_LIFETIME = timedelta(days=365)


def add_language_switch(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route that sets the language's cookie. To be called before `protect`."""

    @blueprint.before_request
    def resume_session_of_form() -> None:
        if request.endpoint == "dashboard.set_language":
            g.session = resume_session(web)  # no sign-in is needed, but a session has its own key

    @blueprint.post("/language")
    def set_language() -> Response:
        language = to_language(request.form.get("language", ""))
        if language is None:
            raise BadRequest(say("there is no such language"))
        path = local_path(request.form.get("page", ""))
        answer = make_response(redirect(path, HTTPStatus.SEE_OTHER))
        proxies = web.config.current().options.trusted_proxies
        set_cookie(request, answer, COOKIE, language, proxies, _LIFETIME)
        return answer
