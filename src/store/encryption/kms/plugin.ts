import { ProtobufReader, ProtobufWriter, type Scope, WIRE, messageOf } from '#base'
import { RpcFailed, Session } from '#base/grpc'

/** What the key service says of itself. */
export interface KmsStatus {
  readonly version: string
  readonly healthz: string
  readonly keyId: string
}

/** What the key service has made of a secret: all of it is needed to get the secret back. */
export interface WrappedSecret {
  readonly ciphertext: Uint8Array
  readonly keyId: string
  readonly annotations: Readonly<Record<string, Uint8Array>>
}

export interface KmsEndpoint {
  /** Of the unix socket; one that begins with an at sign is abstract. */
  readonly socketPath: string
  /** Of one call, connecting included. */
  readonly timeoutMs: number
}

const SERVICE = 'v2.KeyManagementService'
const TRY_AGAIN_AFTER_MS = 100
const MAX_ANSWER_BYTES = 1024 * 1024

/** The key service that an administrator has configured: version 2 of the KMS plugin API, over a unix socket. Lives as long as the scope. */
export class KmsPlugin {
  readonly #scope: Scope
  readonly #endpoint: KmsEndpoint
  #session: Promise<Session> | undefined

  constructor(scope: Scope, endpoint: KmsEndpoint) {
    this.#scope = scope
    this.#endpoint = endpoint
    scope.signal.addEventListener('abort', () => void this.#session?.then((session) => session.close()).catch(() => undefined), {
      once: true,
    })
  }

  async status(): Promise<KmsStatus> {
    let [version, healthz, keyId] = ['', '', '']
    fields(await this.#call('Status', new Uint8Array(0)), (field, from) => {
      if (field === 1) version = from.string()
      else if (field === 2) healthz = from.string()
      else if (field === 3) keyId = from.string()
      else return false
      return true
    })
    return { version, healthz, keyId }
  }

  async encrypt(secret: Uint8Array): Promise<WrappedSecret> {
    const request = message((to) => {
      text(to, 2, this.#scope.random.uuid())
      bytes(to, 1, secret)
    })
    let ciphertext: Uint8Array = new Uint8Array(0)
    let keyId = ''
    const annotations: Record<string, Uint8Array> = Object.create(null)
    fields(await this.#call('Encrypt', request), (field, from) => {
      if (field === 1) ciphertext = Uint8Array.from(from.bytes())
      else if (field === 2) keyId = from.string()
      else if (field === 3) readAnnotation(from.message(), annotations)
      else return false
      return true
    })
    return { ciphertext, keyId, annotations }
  }

  async decrypt({ ciphertext, keyId, annotations }: WrappedSecret): Promise<Uint8Array> {
    const request = message((to) => {
      writeAnnotations(to, 4, annotations)
      text(to, 3, keyId)
      text(to, 2, this.#scope.random.uuid())
      bytes(to, 1, ciphertext)
    })
    let secret: Uint8Array = new Uint8Array(0)
    fields(await this.#call('Decrypt', request), (field, from) => {
      if (field !== 1) return false
      secret = Uint8Array.from(from.bytes())
      return true
    })
    return secret
  }

  /** A service that is just starting is waited for, as long as a call may take. */
  async #call(method: string, request: Uint8Array): Promise<Uint8Array> {
    const { clock } = this.#scope
    const endMs = clock.monotonic() + this.#endpoint.timeoutMs
    for (;;) {
      try {
        const session = await this.#connected()
        return await session.unary(`${SERVICE}/${method}`, request, Math.max(1, Math.ceil(endMs - clock.monotonic())))
      } catch (error) {
        this.#scope.check()
        const isRefusal = error instanceof RpcFailed && error.status !== undefined
        if (isRefusal || clock.monotonic() + TRY_AGAIN_AFTER_MS > endMs) throw new Error(`rpc error: ${messageOf(error)}`, { cause: error })
        await this.#scope.sleep(TRY_AGAIN_AFTER_MS)
      }
    }
  }

  async #connected(): Promise<Session> {
    const current = this.#session
    if (current !== undefined) {
      const session = await current.catch(() => undefined)
      if (session?.isUsable === true) return session
      if (this.#session !== current) return this.#connected()
    }
    const { socketPath: path } = this.#endpoint
    const socketPath = path.startsWith('@') ? `\0${path.slice(1)}` : path
    const session = Session.connect(this.#scope, 'http://localhost', { socketPath, maxMessageBytes: MAX_ANSWER_BYTES, pings: false })
    this.#session = session
    return session
  }
}

/** Fields in falling order: the writer goes backwards. */
export function message(write: (to: ProtobufWriter) => void): Uint8Array {
  const to = new ProtobufWriter()
  write(to)
  return to.finish()
}
export function bytes(to: ProtobufWriter, field: number, value: Uint8Array): void {
  if (value.length === 0) return
  to.bytes(value)
  to.tag(field, WIRE.bytes)
}
export function text(to: ProtobufWriter, field: number, value: string): void {
  if (value === '') return
  to.string(value)
  to.tag(field, WIRE.bytes)
}
export function writeAnnotations(to: ProtobufWriter, field: number, annotations: WrappedSecret['annotations']): void {
  for (const [key, value] of Object.entries(annotations).toReversed()) {
    to.message(() => {
      bytes(to, 2, value)
      text(to, 1, key)
    })
    to.tag(field, WIRE.bytes)
  }
}

/** Calls `take` for each field; what it does not read itself, and says so by `false`, is passed over. */
export function fields(whole: Uint8Array | ProtobufReader, take: (field: number, from: ProtobufReader) => boolean): void {
  const from = whole instanceof ProtobufReader ? whole : new ProtobufReader(whole)
  while (!from.done) {
    const { number: field, wire } = from.tag()
    if (!take(field, from)) from.skip(wire)
  }
}
export function readAnnotation(entry: ProtobufReader, into: Record<string, Uint8Array>): void {
  let key = ''
  let value: Uint8Array = new Uint8Array(0)
  fields(entry, (field, from) => {
    if (field === 1) key = from.string()
    else if (field === 2) value = Uint8Array.from(from.bytes())
    else return false
    return true
  })
  into[key] = value
}
