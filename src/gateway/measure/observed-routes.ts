import type { Logger } from '#base'
import { Counts } from './counts.ts'
import type { RequestLine } from './request-line.ts'
import { serviceIn } from './measurements.ts'

/** Each is a hundred lines of metrics. */
export const MOST_ROUTES = 500
const USUAL_KIND = 'Ingress'

/** Of one object that says it wants its requests to be seen. */
export interface ObservedRoute {
  readonly kind: string
  /** `namespace/name`. */
  readonly key: string
  readonly counts: Counts
}

/** The routes whose requests are told of one by one. The data plane knows each by a number, which no other one gets after it. */
export class ObservedRoutes {
  readonly #byWish = new Map<string, number>()
  readonly #routes = new Map<number, ObservedRoute>()
  readonly #log: Logger
  #next = 1

  constructor(log: Logger) {
    this.#log = log
  }

  /** Undefined: there are as many as there may be. */
  numberOf(wish: string): number | undefined {
    const known = this.#byWish.get(wish)
    if (known !== undefined) return known
    if (this.#byWish.size >= MOST_ROUTES) return undefined
    const number = this.#next++
    const at = wish.indexOf(' ')
    this.#byWish.set(wish, number)
    this.#routes.set(number, { kind: at === -1 ? USUAL_KIND : wish.slice(0, at), key: wish.slice(at + 1), counts: new Counts() })
    return number
  }

  forget(wish: string): void {
    const number = this.#byWish.get(wish)
    if (number === undefined) return
    this.#byWish.delete(wish)
    this.#routes.delete(number)
  }

  routes(): Iterable<ObservedRoute> {
    return this.#routes.values()
  }

  /** Counts what the client got, whoever has answered it. The line is not kept. */
  count(line: RequestLine, backend: string | undefined, endpoint: string | undefined): void {
    const route = line.route === undefined ? undefined : this.#routes.get(line.route)
    if (route === undefined) return
    const { status, us, aborted } = line
    route.counts.add({ status, us, aborted, isShed: false, failed: line.failed && status >= 500 })
    if (line.text === undefined) return
    const [method, host, path, id, client] = line.text.split('.').map((word) => Buffer.from(word, 'hex').toString('utf8'))
    this.#log.info('request', {
      route: `${route.kind} ${route.key}`,
      id,
      client,
      method,
      host,
      path,
      status,
      ms: us / 1000,
      ...(aborted ? { aborted } : {}),
      ...(backend === undefined ? {} : { service: serviceIn(backend) }),
      ...(endpoint === undefined ? {} : { endpoint }),
    })
  }
}
