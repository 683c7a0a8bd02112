#!/usr/bin/env python3
"""The official SDK's client talks to `agentsecrets mcp`. Needs the package mcp.

    conformance/agents/mcp_client.py BINARIES    closes with "N passed, N failed"
"""
import asyncio
import json
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from stage import Failed, Member, expect  # noqa: E402
from stagehands import Broker, Upstream, allow, reply  # noqa: E402

SECRET = "fake-live-4f9c2b7e8d1a6035-only-for-tests"
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Stage:
    def __init__(self, binaries):
        self.folder = Path(tempfile.mkdtemp(prefix="agentsecrets-mcp-"))
        self.upstream = Upstream(lambda handler, secret: reply(handler, json.dumps({"key": secret}).encode()))
        self.member = Member(binaries, self.folder, "owner")
        self.member.run("init", "--label", "owner")
        self.member.run("workspace", "create", "acme")
        allow(self.member, "KEY", SECRET.encode(), self.upstream, "--environment")
        allow(self.member, "OTHER", b"another-fake-value-of-the-test", self.upstream)
        self.url = self.upstream.url + "/v1/balance"

    def server(self, *options, **variables):
        return StdioServerParameters(command=self.member.binary, args=["mcp", *options], cwd=str(self.member.project),
                                     env={**self.member.environment, **variables})

    def close(self):
        self.upstream.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def plain(result):
    """A result as the protocol has it, whatever the SDK names its fields."""
    shown = result.model_dump(mode="json", by_alias=True)
    expect(SECRET not in json.dumps(shown), "a value is to be seen")
    return shown


def code(result):
    expect(result["isError"] is True, f"is let through: {result}")
    return result["structuredContent"]["error"]["code"]


async def tool(session, called, /, **arguments):
    return plain(await session.call_tool(called, arguments))


@test
async def it_initializes_lists_and_calls(stage):
    async with stdio_client(stage.server("--agent", "assistant", "--only", "KEY")) as pipes, ClientSession(*pipes) as session:
        hello = plain(await session.initialize())
        expect(hello["serverInfo"]["name"] == "agentsecrets" and "tools" in hello["capabilities"], f"{hello}")
        await session.send_ping()
        names = {tool["name"]: tool["inputSchema"] for tool in plain(await session.list_tools())["tools"]}
        expect(list(names) == ["list_secrets", "drift", "call"], f"{list(names)}")
        listed = (await tool(session, "list_secrets"))["structuredContent"]["secrets"]
        expect([row["name"] for row in listed] == ["KEY"] and listed[0]["policy"], f"{listed}")
        expect("in_sync" in (await tool(session, "drift"))["structuredContent"], "drift is told")
        answer = await tool(session, "call", name="KEY", method="GET", url=stage.url, reason="read the balance",
                            headers={"accept": "application/json"})
        expect(answer["isError"] is False and answer["structuredContent"]["status"] == 200, f"{answer}")
        expect("[redacted KEY]" in json.loads(answer["content"][0]["text"])["body"], f"{answer}")
    expect(stage.upstream.requests[-1][2]["authorization"] == f"Bearer {SECRET}", "the server got the key")
    expect(stage.member.json("calls")[-1]["agent"] == "assistant", "the use is recorded")


@test
async def refusals_are_results_that_a_model_can_read(stage):
    async with stdio_client(stage.server("--uses", "1")) as pipes, ClientSession(*pipes) as session:
        await session.initialize()
        call = {"name": "KEY", "method": "GET", "url": stage.url, "reason": "a test"}
        expect(code(await tool(session, "call", **{**call, "url": "https://example.org/"})) == "use_forbidden", "another host")
        expect(code(await tool(session, "call", **{**call, "name": "NOBODY"})) == "unknown_secret", "no such secret")
        expect(code(await tool(session, "call", **{**call, "reason": ""})) == "invalid_argument", "no reason")
        expect(code(await tool(session, "call", name="KEY")) == "invalid_argument", "half a call")
        expect(code(await tool(session, "call", **call, reveal=True)) == "invalid_argument", "an argument too many")
        expect((await tool(session, "call", **call))["isError"] is False, "the one use")
        expect(code(await tool(session, "call", **call)) == "lease_over", "uses are spent")
        for name in ("reveal", "run"):
            try:
                await session.call_tool(name, {})
            except Exception as error:  # noqa: BLE001: its class differs between versions of the SDK
                expect("no such tool" in str(error), f"{error}")
            else:
                raise Failed(f"{name} is a tool")
    expect(len(stage.upstream.requests) == 1, "nothing refused was sent")


@test
async def a_command_gets_what_policies_allow_and_prints_none_of_it(stage):
    async with stdio_client(stage.server("--command", "sh")) as pipes, ClientSession(*pipes) as session:
        await session.initialize()
        run = {"command": ["sh", "-c", 'printf %s "$KEY" | base64; echo "$KEY" >&2; echo ${#KEY}; exit 3'], "reason": "a test"}
        done = (await tool(session, "run", names=["KEY"], **run))["structuredContent"]
        expect(done["exit_code"] == 3 and done["redactions"] == 2, f"{done}")
        expect(done["stdout"] == f"[redacted KEY]\n{len(SECRET)}\n" and done["stderr"] == "[redacted KEY]\n", f"{done}")
        expect(code(await tool(session, "run", names=["OTHER"], **run)) == "use_forbidden", "the policy allows no command")
        other = {**run, "command": ["env"]}
        expect(code(await tool(session, "run", names=["KEY"], **other)) == "use_forbidden", "another program")
        slow = {**run, "command": ["sh", "-c", "sleep 60 & sleep 60"]}
        done = (await tool(session, "run", names=[], timeout=200, **slow))["structuredContent"]
        expect(done["timed_out"] is True, "a command is ended after its time")
        env = {**run, "command": ["sh", "-c", "env"]}
        done = (await tool(session, "run", names=["KEY"], **env))["structuredContent"]["stdout"]
        expect("AGENTSECRETS" not in done and "KEY=[redacted KEY]" in done, f"{done}")


def documented():
    """The server as docs/agents.md tells clients to write it down."""
    page = (ROOT / "docs/agents.md").read_text()
    blocks = [json.loads(block.split("```")[0]) for block in page.split("```json\n")[1:]]
    (found,) = [block["mcpServers"] for block in blocks if "mcpServers" in block]
    return found["agentsecrets"]


@test
async def the_documented_configuration_of_a_client_works_as_it_is_written(stage):
    written = documented()
    name = written["args"][written["args"].index("--only") + 1]
    allow(stage.member, name, SECRET.encode(), stage.upstream)
    # As a client starts it: by its name, found on PATH, with the arguments of the page and nothing else.
    path = os.pathsep.join([str(Path(stage.member.binary).parent), stage.member.environment["PATH"]])
    server = StdioServerParameters(command=written["command"], args=written["args"], cwd=str(stage.member.project),
                                   env={**stage.member.environment, **written.get("env", {}), "PATH": path})
    expect(set(written) <= {"command", "args", "env"}, f"fields that clients know: {list(written)}")
    async with stdio_client(server) as pipes, ClientSession(*pipes) as session:
        await session.initialize()
        tools = {tool["name"] for tool in plain(await session.list_tools())["tools"]}
        expect(tools == {"list_secrets", "drift", "call"}, f"the page names these tools: {tools}")
        listed = (await tool(session, "list_secrets"))["structuredContent"]["secrets"]
        expect([row["name"] for row in listed] == [name], f"{listed}")
        answer = await tool(session, "call", name=name, method="GET", url=stage.url, reason="read the balance")
        expect(answer["structuredContent"]["status"] == 200, f"{answer}")
        expect(code(await tool(session, "call", name="KEY", method="GET", url=stage.url, reason="x")) == "unknown_secret",
               "what it was not given is not there")
    agent = written["args"][written["args"].index("--agent") + 1]
    expect(stage.member.json("calls")[-1]["agent"] == agent, "uses are recorded under the agent's name")


@test
async def beside_a_broker_it_holds_no_vault(stage):
    broker = Broker(stage.member, "--agent", "elsewhere")
    try:
        nothing = {"AGENTSECRETS_VAULT_KEY_FILE": "/nonexistent", **broker.variables}
        async with stdio_client(stage.server(**nothing)) as pipes, ClientSession(*pipes) as session:
            await session.initialize()
            answer = await tool(session, "call", name="KEY", method="GET", url=stage.url, reason="a test")
            expect(answer["structuredContent"]["status"] == 200, f"{answer}")
            expect(code(await tool(session, "call", name="KEY", method="GET", url="https://example.org/", reason="x"))
                   == "use_forbidden", "refusals come through")
    finally:
        broker.stop()
    expect(stage.member.json("calls")[0]["agent"] == "elsewhere", "the broker records the use")


def main():
    passed = failed = 0
    for function in TESTS:
        stage = Stage(Path(sys.argv[1]).resolve())
        try:
            asyncio.run(asyncio.wait_for(function(stage), 120))
            passed += 1
        except BaseException:  # noqa: BLE001: groups of exceptions are none of Exception
            failed += 1
            print(f"{function.__name__}:\n{traceback.format_exc()}")
        finally:
            stage.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
