"""An agent's loop: the model asks for calls, the program makes them; the key is in no message that the model sees."""
import json
from typing import Any, Dict, List

from agentsecrets_core import AgentSecretsError, load
from agentsecrets_core.testing import override

from _api import KEY, api


def model(messages: "List[Dict[str, str]]") -> "Dict[str, str]":
    """Stands for a language model that was talked into asking for the key: replace it by your client's call."""
    asked = sum(message["role"] == "assistant" for message in messages)
    return [{"url": "/v2/keys"}, {"url": "/v1/balance"}, {"say": "You have 42."}][asked]


def run(task: str, url: str) -> "List[Dict[str, str]]":
    # For this task alone: reads, for five minutes, ten times at most.
    key = load().handle("API_KEY").attenuate(methods=["GET"], ttl="5m", uses=10)
    messages = [{"role": "user", "content": task}]
    while True:
        wish = model(messages)
        messages.append({"role": "assistant", "content": json.dumps(wish)})
        if "say" in wish:
            return messages
        try:
            answer: Any = key.request("GET", url + wish["url"]).json()
        except AgentSecretsError as error:
            answer = {"refused": error.code, "why": error.message}
        messages.append({"role": "tool", "content": json.dumps(answer)})


with api() as (address, policy), override({"API_KEY": KEY}, policies={"API_KEY": policy}):
    told = run("What is my balance?", address)
for message in told:
    print(f"{message['role']}: {message['content']}")
assert KEY not in json.dumps(told) and "42" in told[-2]["content"] and "use_forbidden" in told[2]["content"]
