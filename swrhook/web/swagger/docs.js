"use strict";

// The description needs a token as the API does; the same one goes with every request tried out.
const access = document.getElementById("access");
const said = document.getElementById("said");

access.addEventListener("submit", async (event) => {
  event.preventDefault();
  const authorization = `Bearer ${document.getElementById("token").value.trim()}`;
  try {
    const answer = await fetch("openapi.json", { headers: { Authorization: authorization } });
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.detail);
    said.textContent = "";
    SwaggerUIBundle({
      dom_id: "#api",
      spec: content,
      validatorUrl: null,
      requestInterceptor: (request) => {
        request.headers.Authorization = authorization;
        return request;
      },
    });
  } catch (error) {
    said.textContent = `The API cannot be shown: ${error.message}`;
  }
});
