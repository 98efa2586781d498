"use strict";

// The OpenAPI document needs a token; requests that are tried out are sent with the same one.
const access = document.getElementById("access");
const statusLine = document.getElementById("status");

// Swagger UI has dark colours for this class.
const dark = matchMedia("(prefers-color-scheme: dark)");
const adopt = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", adopt);
adopt();

access.addEventListener("submit", async (event) => {
  event.preventDefault();
  const authorization = `Bearer ${document.getElementById("token").value.trim()}`;
  try {
    const response = await fetch("openapi.json", { headers: { Authorization: authorization } });
    const content = await response.json();
    if (!response.ok) throw new Error(content.detail);
    statusLine.textContent = "";
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
    statusLine.textContent = `The API cannot be shown: ${error.message}`;
  }
});
