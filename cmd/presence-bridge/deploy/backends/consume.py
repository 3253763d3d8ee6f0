"""A worker on the queue BILLING: takes changes one by one, and acknowledges each when it is dealt with.

Run it as often as you like, with nats-py 2.6 or newer:

    pip install nats-py
    python consume.py nats://127.0.0.1:4222
"""

import asyncio
import json
import sys

import nats
from nats.errors import TimeoutError


async def work(url: str, most: int | None = None) -> None:
    """Works until it is interrupted, or has done `most`."""
    nc = await nats.connect(url)
    queue = await nc.jetstream().pull_subscribe("", durable="workers", stream="BILLING")
    done = 0
    while most is None or done < most:
        try:
            messages = await queue.fetch(batch=10 if most is None else 1, timeout=30)
        except TimeoutError:
            continue  # nothing changed
        for message in messages:
            change = json.loads(message.data)
            print(change["uid"], "is online:", change["online"], message.headers["ce-id"], flush=True)
            await message.ack()  # not acknowledged within 30 s, it comes again
            done += 1
    await nc.drain()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None))
