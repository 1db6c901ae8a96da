import type { BodySink, HttpRequest, HttpResponse, Scope } from '#base'
import type { UserInfo } from '../contract.ts'
import type { ParsedRequest } from '../router/request-info.ts'
import type { AuditDecision, AuditStage } from './audit-policy.ts'
import { type ReadBody, withoutManagedFields } from './audit-object.ts'

/** Takes events, each as one line of JSON. Must not throw and must not wait. */
export interface AuditSink {
  write(event: object): void
  /** Hands on what is still waiting, as far as that can be done in a moment. */
  close(): Promise<void>
}

/** Each event to all of them. */
export function allSinks(sinks: readonly AuditSink[]): AuditSink {
  return {
    write: (event) => sinks.forEach((sink) => sink.write(event)),
    close: async () => void (await Promise.all(sinks.map((sink) => sink.close()))),
  }
}

/** What is written down of one request, stage by stage. */
export class AuditRecord {
  readonly #scope: Scope
  readonly #sink: AuditSink
  readonly #decision: AuditDecision
  readonly #event: Record<string, unknown>
  readonly #annotations: Record<string, string> = {}
  readonly #read: ReadBody

  constructor(
    scope: Scope,
    sink: AuditSink,
    decision: AuditDecision,
    of: {
      readonly request: HttpRequest
      readonly info: ParsedRequest
      readonly user: UserInfo
      readonly auditId: string
      readonly read: ReadBody
    },
  ) {
    const { request, info, user, auditId } = of
    this.#scope = scope
    this.#sink = sink
    this.#decision = decision
    this.#read = of.read
    const agent = request.headers['user-agent']
    this.#event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: decision.level,
      auditID: auditId,
      requestURI: request.target,
      verb: info.verb,
      user: userOf(user),
      sourceIPs: sourcesOf(request),
      ...(agent === undefined ? {} : { userAgent: String(agent) }),
      ...(info.isResource ? { objectRef: referenceOf(info) } : {}),
      requestReceivedTimestamp: microTime(scope),
    }
    this.#write('RequestReceived')
  }

  /** Who the sender acts as. */
  impersonates(user: UserInfo): void {
    this.#event['impersonatedUser'] = userOf(user)
  }
  annotate(key: string, value: string): void {
    this.#annotations[key] = value
  }
  /** The request's body, when it has been read. */
  body(bytes: Uint8Array, contentType: string | undefined): void {
    if (this.#decision.level === 'Metadata') return
    this.#set('requestObject', this.#read(bytes, contentType))
  }

  /** The answer on its way to the client. A stream's record is finished with the stream. */
  answered(answer: HttpResponse): HttpResponse {
    const { status, body } = answer
    this.#event['responseStatus'] = { metadata: {}, code: status }
    if (body.kind === 'stream') {
      this.#write('ResponseStarted')
      return { ...answer, body: { kind: 'stream', start: (sink) => body.start(this.#finishing(sink)) } }
    }
    if (body.kind === 'bytes') {
      const object = this.#responseObject(status, body.chunks, String(answer.headers['content-type'] ?? ''))
      if (status >= 400) this.#event['responseStatus'] = statusOf(object, status)
      if (this.#decision.level === 'RequestResponse') this.#set('responseObject', object)
    }
    this.#write('ResponseComplete')
    return answer
  }

  #finishing(sink: BodySink): BodySink {
    let done = false
    const finish = (): void => {
      if (done) return
      done = true
      this.#write('ResponseComplete')
    }
    sink.onClose(finish)
    return {
      write: (chunk) => sink.write(chunk),
      get bufferedBytes() {
        return sink.bufferedBytes
      },
      onDrain: (run) => sink.onDrain(run),
      onClose: (run) => sink.onClose(run),
      end: () => {
        finish()
        sink.end()
      },
      destroy: (error) => sink.destroy(error),
    }
  }

  #responseObject(status: number, chunks: readonly Uint8Array[], contentType: string): unknown {
    if (this.#decision.level !== 'RequestResponse' && status < 400) return undefined
    return this.#read(Buffer.concat(chunks), contentType)
  }

  #set(name: string, object: unknown): void {
    if (object === undefined) return
    this.#event[name] = this.#decision.omitManagedFields ? withoutManagedFields(object) : object
  }

  #write(stage: AuditStage): void {
    if (this.#decision.omitStages.has(stage)) return
    const hasNotes = Object.keys(this.#annotations).length > 0
    this.#sink.write({
      ...this.#event,
      stage,
      stageTimestamp: microTime(this.#scope),
      ...(hasNotes ? { annotations: { ...this.#annotations } } : {}),
    })
  }
}

function microTime(scope: Scope): string {
  return new Date(scope.clock.now()).toISOString().replace('Z', '000Z')
}

function userOf({ name, uid, groups, extra }: UserInfo): object {
  return {
    username: name,
    ...(uid === undefined || uid === '' ? {} : { uid }),
    groups,
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  }
}

/** All but the last can be made up by the client. */
function sourcesOf({ headers, peer }: HttpRequest): string[] {
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
  const named = [...forwarded, String(headers['x-real-ip'] ?? '')].map((text) => text.trim()).filter((text) => text !== '')
  const address = peer.inProcess ? '127.0.0.1' : peer.address.replace(/^::ffff:/, '')
  return [...new Set([...named, address])]
}

function referenceOf({ group, version, resource, subresource, namespace, name }: ParsedRequest): object {
  return {
    resource,
    ...(namespace === '' ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { apiGroup: group }),
    apiVersion: version,
    ...(subresource === '' ? {} : { subresource }),
  }
}

function statusOf(object: unknown, code: number): object {
  const { status, message, reason, details } = (object ?? {}) as Record<string, unknown>
  return {
    metadata: {},
    ...(typeof status === 'string' ? { status } : {}),
    ...(typeof message === 'string' ? { message } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(details === undefined ? {} : { details }),
    code,
  }
}
