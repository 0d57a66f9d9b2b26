/** What wrangler.toml and the secrets bind to the Worker. */
export interface Env {
  /**
   * The origins that may be connected to, separated by spaces: `wss://api.example.com wss://other.example.com:8443`.
   * Default: none.
   */
  readonly UPSTREAMS?: string
  /**
   * Origins of other sites whose pages may use /relay and /feed, separated by spaces: `https://app.example.com`.
   * Default: none.
   */
  readonly ORIGINS?: string
  /**
   * A secret: the header fields that an upstream gets from the Worker, as JSON by origin: `{ "wss://api.example.com": {
   * "authorization": "Bearer …" } }`. They are sent to that origin alone, by /relay and /feed.
   */
  readonly UPSTREAM_HEADERS?: string
  readonly FEED: DurableObjectNamespace
}

/** What answers a path. */
export type Route = (request: Request, env: Env, context: ExecutionContext) => Response | Promise<Response>
