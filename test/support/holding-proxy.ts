/** A reverse proxy that holds chosen requests back until something else has been done. */
import { Agent, createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface HoldingProxy {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/**
 * @param target endpoint of the server behind
 * @param holds by method and path (encoded, without the query)
 * @param until awaited before a request that is held goes on, whether or not its client still waits, as a slow server
 *   does; a rejection cuts its connection
 */
export async function startHoldingProxy(
  target: string,
  holds: (method: string, path: string) => boolean,
  until: () => Promise<unknown>,
): Promise<HoldingProxy> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    const method = request.method ?? "GET";
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const forward = (body?: Buffer): void => {
      const onward = httpRequest(
        { hostname, port, agent, method, path: request.url, headers: request.headers },
        (answered) => {
          response.writeHead(answered.statusCode ?? 502, answered.rawHeaders);
          answered.pipe(response);
          answered.on("error", () => response.destroy());
        },
      );
      onward.on("error", () => response.destroy());
      if (body) onward.end(body);
      else request.pipe(onward);
    };
    if (!holds(method, path)) forward();
    else {
      buffer(request)
        .then(async (body) => {
          await until();
          forward(body);
        })
        .catch(() => response.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
