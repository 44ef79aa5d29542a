/** A server in a process of its own, and a client that speaks to it as the window does. */
import { request } from "node:http";
import WebSocket from "ws";
import { decodeFrame, encodeFrame, FRAME_TYPE } from "../../src-main/api/binary.js";
import {
  type ApiEvent,
  apiEventSchema,
  type Channel,
  type Job,
  type RequestOf,
  type ResponseOf,
} from "../../src-main/api/channels.js";
import { CliProcess, type CliResult } from "./run-cli.js";

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** `verger serve`, under way. */
export class Served {
  private constructor(
    readonly process: CliProcess,
    readonly url: string,
    readonly origin: string,
    readonly port: number,
  ) {}

  /**
   * @param home where settings, history and thumbnails go
   * @param env more of the environment
   */
  static async start(
    args: readonly string[],
    home: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Served> {
    const process = new CliProcess(["serve", ...args, "--json"], {
      env: { ...env, VERGER_HOME: home, VERGER_CHECK_API: "1", XDG_DATA_HOME: `${home}/data` },
    });
    const ready = (): boolean => process.stdout.trimEnd().endsWith("}");
    if (!(await process.until(ready))) throw new Error(`verger serve ended: ${process.stdout}${process.stderr}`);
    const { url, origin, port } = JSON.parse(process.stdout) as { url: string; origin: string; port: number };
    return new Served(process, url, origin, port);
  }

  get token(): string {
    return new URL(this.url).searchParams.get("token") ?? "";
  }

  /** A request with exactly these headers; `path` is sent as it is. */
  ask(
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: Uint8Array | string } = {},
  ): Promise<Answer> {
    const { method = "GET", headers = {}, body } = options;
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { host: "127.0.0.1", port: this.port, path, method, headers, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("end", () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
          );
          response.once("error", reject);
        },
      );
      outgoing.once("error", reject);
      outgoing.end(body);
    });
  }

  /** Visits the printed address as a browser does and keeps the cookie. */
  async visit(): Promise<Client> {
    const { pathname, search } = new URL(this.url);
    const { headers } = await this.ask(pathname + search);
    const cookie = headers["set-cookie"]?.[0]?.split(";", 1)[0];
    if (!cookie) throw new Error("the first visit set no cookie");
    return Client.connect(this, cookie);
  }

  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<CliResult> {
    this.process.kill(signal);
    return this.process.ended;
  }
}

/** One open tab: calls with the cookie, events over a WebSocket. */
export class Client {
  readonly events: ApiEvent[] = [];
  private readonly watchers = new Set<() => void>();
  closed = false;

  private constructor(
    private readonly served: Served,
    readonly cookie: string,
    readonly socket: WebSocket,
  ) {
    socket.on("message", (data) => {
      this.events.push(apiEventSchema.parse(JSON.parse(String(data))));
      this.wake();
    });
    socket.on("close", () => {
      this.closed = true;
      this.wake();
    });
    // Told by `closed`.
    socket.on("error", () => {});
  }

  static async connect(served: Served, cookie: string): Promise<Client> {
    const socket = new WebSocket(`ws://127.0.0.1:${served.port}/events`, {
      headers: { cookie, origin: served.origin },
    });
    const client = new Client(served, cookie, socket);
    await client.until(() => client.events.some(({ type }) => type === "hello"));
    return client;
  }

  get headers(): Record<string, string> {
    return { cookie: this.cookie, origin: this.served.origin, "content-type": FRAME_TYPE };
  }

  /** @throws Error with the failure's code */
  async call<C extends Channel>(channel: C, body: RequestOf<C>): Promise<ResponseOf<C>> {
    const answer = await this.served.ask(`/api/${channel}`, {
      method: "POST",
      headers: this.headers,
      body: encodeFrame(body),
    });
    if (answer.status === 200) return decodeFrame(answer.body) as ResponseOf<C>;
    const { error } = JSON.parse(answer.body.toString()) as { error: { code: string; message: string } };
    throw Object.assign(new Error(error.message), { code: error.code, status: answer.status });
  }

  picture(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.served.ask(`/${path}`, { headers: { cookie: this.cookie, ...headers } });
  }

  /** The latest that an event has said of a job. */
  job(id: string): Job | undefined {
    return this.events.flatMap((event) => (event.type === "job" && event.job.id === id ? [event.job] : [])).at(-1);
  }

  /** Waits until what the events have told fulfils the condition. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.closed) throw new Error("the server closed the connection");
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.watchers.delete(wake);
          resolve();
        };
        this.watchers.add(wake);
      });
    }
  }

  close(): void {
    this.socket.close();
  }

  private wake(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}
