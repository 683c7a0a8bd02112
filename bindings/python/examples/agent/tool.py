"""A tool in the shape that LangChain and its like take: a name, a description, a schema, and a call with keywords."""
from typing import Any, Dict

from agentsecrets_core import AgentSecretsError, Handle, load
from agentsecrets_core.testing import override

from _api import KEY, api


class SecretRequest:
    """Calls an API with a key that neither model nor tool can read."""

    args_schema = {
        "type": "object",
        "properties": {"method": {"type": "string"}, "path": {"type": "string"}},
        "required": ["method", "path"],
    }

    def __init__(self, handle: Handle, base: str) -> None:
        self.handle, self.base = handle, base
        self.name = f"call_with_{handle.name.lower()}"
        self.description = f"Calls {base} with {handle.name}, which stays hidden. Refusals say what is allowed."

    def invoke(self, given: "Dict[str, Any]") -> "Dict[str, Any]":
        try:
            answer = self.handle.request(given["method"], self.base + given["path"])
        except AgentSecretsError as error:
            return {"error": error.code, "message": error.message, "hint": error.hint}
        return {"status": answer.status, "content": answer.text}


with api() as (url, policy), override({"API_KEY": KEY}, policies={"API_KEY": policy}):
    tool = SecretRequest(load().handle("API_KEY").attenuate(methods=["GET"], uses=3), url)
    found = tool.invoke({"method": "GET", "path": "/v1/balance"})
    refusal = tool.invoke({"method": "POST", "path": "/v1/balance"})
print(tool.name, found, refusal)
assert found["status"] == 200 and KEY not in found["content"] and refusal["error"] == "use_forbidden"
