/** Events to every open tab, over WebSockets. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { ApiEvent } from "../api/channels.js";

const HEARTBEAT_MS = 30_000;
/** A client that has not read this much is gone or asleep; it gets everything anew when it is back. */
const MOST_WAITING_BYTES = 8 * 2 ** 20;

/** The open connections. Clients only listen: what they send is ignored. */
export class Sockets {
  private readonly server = new WebSocketServer({ noServer: true, maxPayload: 1024, perMessageDeflate: false });
  private readonly answered = new WeakSet<WebSocket>();
  private readonly heartbeat: NodeJS.Timeout;

  constructor(private readonly hello: () => ApiEvent) {
    this.heartbeat = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.heartbeat.unref();
  }

  /** Takes over a connection whose request has been checked. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.server.handleUpgrade(request, socket, head, (client) => {
      this.answered.add(client);
      client.on("pong", () => this.answered.add(client));
      // A broken connection closes by itself; without a listener it would end the process.
      client.on("error", () => client.terminate());
      client.send(JSON.stringify(this.hello()));
    });
  }

  send(event: ApiEvent): void {
    const text = JSON.stringify(event);
    for (const client of this.server.clients) {
      if (client.readyState !== client.OPEN) continue;
      if (client.bufferedAmount > MOST_WAITING_BYTES) client.terminate();
      else client.send(text);
    }
  }

  close(): void {
    clearInterval(this.heartbeat);
    for (const client of this.server.clients) {
      client.close(1001, "Verger has ended");
      // One that does not answer the closing must not keep the server.
      setTimeout(() => client.terminate(), 500).unref();
    }
    this.server.close();
  }

  private beat(): void {
    for (const client of this.server.clients) {
      if (this.answered.delete(client)) client.ping();
      else client.terminate();
    }
  }
}
