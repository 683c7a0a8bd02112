"""A service that follows a rotation without a restart: it waits for changes beside its work.

    python rotation.py [ROTATIONS]      ends after so many; without a number never
"""
import asyncio
import sys
from typing import Optional

from agentsecrets_core import Secrets, aload


class Pool:
    """Stands for connections that are made with the present value."""

    def __init__(self, secrets: Secrets) -> None:
        self.secrets, self.opened = secrets, 0
        self.reopen()

    def reopen(self) -> None:
        self.opened += 1
        print(f"pool {self.opened} with version {self.secrets.version}", flush=True)

    async def serve(self) -> None:
        while True:
            await asyncio.sleep(0.1)


async def follow(secrets: Secrets, pool: Pool, rotations: Optional[int]) -> None:
    async with secrets.watch() as watch:
        async for change in watch:
            if "DATABASE_URL" in change.updated:
                pool.reopen()
            if rotations is not None and pool.opened > rotations:
                return


async def main(rotations: Optional[int]) -> None:
    async with await aload(require=["DATABASE_URL"]) as secrets:
        pool = Pool(secrets)
        serving = asyncio.ensure_future(pool.serve())
        try:
            await follow(secrets, pool, rotations)
        finally:
            serving.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
