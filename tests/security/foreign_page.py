"""A web page of a foreign origin, and the requests that it sends to servers of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ATTACKS = """
async ([dagster, sandbox, launch, runs]) => {
  const attempts = {}
  const settled = (element, events) =>
    new Promise(done => events.forEach(event => element.addEventListener(event, () => done(event), {once: true})))
  const fetched = async (address, options) => {
    try {
      const answer = await fetch(address, options)
      return answer.type === "opaque" ? "sent" : `${answer.status} ${await answer.text()}`
    } catch (error) {
      return String(error)
    }
  }
  const inserted = (element, events) => {
    const end = settled(element, events)
    document.body.append(element)
    return end
  }
  const byGet = `${dagster}/graphql?query=${encodeURIComponent(launch)}`
  const order = JSON.stringify({query: launch})

  attempts.image = await inserted(Object.assign(new Image(), {src: byGet}), ["load", "error"])
  const script = Object.assign(document.createElement("script"), {src: byGet})
  attempts.script = await inserted(script, ["load", "error"])

  const form = document.createElement("form")
  Object.assign(form, {method: "post", enctype: "text/plain", action: byGet, target: "sink"})
  const [beginning, end] = [order.slice(0, -1) + ', "a": "', '"}']
  form.append(Object.assign(document.createElement("input"), {name: beginning, value: end}))
  const sink = Object.assign(document.createElement("iframe"), {name: "sink", src: "about:blank"})
  await inserted(sink, ["load"])
  document.body.append(form)
  const posted = settled(sink, ["load"])
  form.submit()
  attempts.form = await posted

  for (const mode of ["no-cors", "cors"])
    for (const type of ["text/plain", "text/plain;charset=application/json", "application/json"])
      attempts[`${mode} ${type}`] = await fetched(`${dagster}/graphql`,
        {method: "POST", mode, body: order, headers: {"Content-Type": type}})
  attempts.beacon = String(navigator.sendBeacon(byGet, new Blob([order], {type: "text/plain"})))
  attempts.read = await fetched(`${dagster}/graphql?query=${encodeURIComponent(runs)}`)
  attempts.info = await fetched(`${dagster}/server_info`)
  attempts.preflight = await fetched(`${dagster}/graphql`, {method: "POST",
    body: JSON.stringify({query: runs}), headers: {"Content-Type": "application/json"}})

  attempts.subscription = await new Promise(done => {
    const socket = new WebSocket(dagster.replace("http", "ws") + "/graphql", "graphql-ws")
    socket.onopen = () => socket.send(JSON.stringify({type: "connection_init"}))
    socket.onmessage = message => { socket.close(); done(message.data) }
    socket.onclose = () => done("closed")
  })
  await inserted(Object.assign(document.createElement("iframe"), {name: "framed", src: `${dagster}/runs`}), ["load"])

  await fetched(`${sandbox}/sandbox/advance`, {method: "POST", mode: "no-cors", body: '{"hours": 24}'})
  attempts.control = await fetched(`${sandbox}/sandbox`)
  return attempts
}
"""
"""All requests that a page of a foreign origin can send; returns what it can read of the answers, by attempt."""

OWN = """
async ([launch]) => {
  const order = {method: "POST", body: JSON.stringify({query: launch}), headers: {"Content-Type": "application/json"}}
  const launched = await (await fetch("/graphql", order)).text()
  const socket = new WebSocket(`ws://${location.host}/graphql`, "graphql-ws")
  const first = new Promise(done => {
    socket.onmessage = message => done(message.data)
    socket.onclose = () => done("closed")
  })
  await new Promise(done => { socket.onopen = done; socket.onclose = done })
  socket.send(JSON.stringify({type: "connection_init"}))
  return [launched, await first]
}
"""


@contextmanager
def foreign_server() -> Iterator[int]:
    """Serve an empty page at every address of a foreign origin on this machine, and yield the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class EmptyPage(BaseHTTPRequestHandler):
    """Answers every GET with an empty page."""

    def do_GET(self) -> None:
        """Send the empty page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"<body>")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Print no log."""
