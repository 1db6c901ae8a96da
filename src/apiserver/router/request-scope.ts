import type { CancellableScope, ChildOptions, Clock, HttpRequest, Logger, Random, Scope } from '#base'

/**
 * The scope of one request: ends when the server stops or the client goes away. Most requests are over before anyone asks for a
 * signal, so it is only made on demand.
 */
export class RequestScope implements Scope {
  readonly #server: Scope
  readonly #request: HttpRequest
  #made: CancellableScope | undefined

  constructor(server: Scope, request: HttpRequest) {
    this.#server = server
    this.#request = request
  }
  get clock(): Clock {
    return this.#server.clock
  }
  get random(): Random {
    return this.#server.random
  }
  get log(): Logger {
    return this.#server.log
  }
  get signal(): AbortSignal {
    return this.#scope().signal
  }
  child(options?: ChildOptions): CancellableScope {
    return this.#scope().child(options)
  }
  detached(): Scope {
    return this.#server.detached()
  }
  sleep(delayMs: number): Promise<void> {
    return this.#scope().sleep(delayMs)
  }
  check(): void {
    this.#made?.check()
    this.#server.check()
  }
  #scope(): CancellableScope {
    this.#made ??= this.#server.child({ signal: this.#request.signal })
    return this.#made
  }
}
