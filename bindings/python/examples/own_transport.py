"""Everything through the program's own HTTP client, httpx, and a store of its own: agentsecrets opens no file and no socket.

    python own_transport.py RELAY       two members share a value through the relay
"""
import asyncio
import sqlite3
import sys
from typing import Optional

import httpx

from agentsecrets_core import Identity
from agentsecrets_core.io import Operation, Request, Response


class HttpxTransport:
    """The way to the relay. The headers are signed: they go out as they are."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def send(self, request: Request, /) -> Response:
        answer = await self.client.request(
            request.method, request.url, headers=request.headers, content=request.body, timeout=30 + request.wait
        )
        retry_after = answer.headers.get("retry-after", "")
        return Response(answer.status_code, answer.content, float(retry_after) if retry_after.isdecimal() else None)


class SqliteVault:
    """A table. Its bytes are secret: a real one is encrypted, and committed before store() returns."""

    def __init__(self, path: str = ":memory:") -> None:
        self.db = sqlite3.connect(path)
        self.db.execute("CREATE TABLE IF NOT EXISTS vault (key TEXT PRIMARY KEY, data BLOB NOT NULL)")

    async def load(self, key: str, /) -> Optional[bytes]:
        row = self.db.execute("SELECT data FROM vault WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    async def store(self, key: str, data: bytes, /) -> None:
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO vault VALUES (?, ?)", (key, data))

    async def remove(self, key: str, /) -> None:
        with self.db:
            self.db.execute("DELETE FROM vault WHERE key = ?", (key,))


async def main(relay: str) -> None:
    founder, job = Identity.generate("human"), Identity.generate("ci")
    here, there = SqliteVault(), SqliteVault()
    async with httpx.AsyncClient() as client:
        net = HttpxTransport(client)
        workspace = await Operation.create(founder, "acme", "laptop", relay).arun(here, net)
        await Operation.set(founder, workspace, "development", "API_TOKEN", "fake-value").arun(here, net)
        await Operation.push(founder, workspace, "development").arun(here, net)
        code = await Operation.invite(founder, workspace, "reader").arun(here, net)
        await Operation.join(job, code, "job").arun(there, net)
        await Operation.admit(founder, workspace).arun(here, net)
        await Operation.sync(job, workspace).arun(there, net)
        values = await Operation.load(job, workspace, "development").arun(there, net)
        print(repr(values["API_TOKEN"]), "opened by the job:", values["API_TOKEN"] == "fake-value")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
