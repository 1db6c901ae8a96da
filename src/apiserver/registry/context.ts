import type { Attributes, HttpRequest, Scope, Span } from '#base'
import type { AuditRecord } from '../audit/audit-record.ts'
import type { AccessQuestion, UserInfo } from '../contract.ts'
import type { Accepted, Encoding } from '../respond/media.ts'
import type { ParsedRequest } from '../router/request-info.ts'
import { RequestScope } from '../router/request-scope.ts'
import type { Core } from './core.ts'

/** The largest body of a request. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024

/** One request on its way through the server. */
export class RequestContext {
  readonly core: Core
  readonly scope: Scope
  readonly request: HttpRequest
  readonly info: ParsedRequest
  readonly user: UserInfo
  readonly auditId: string
  /** What is written down of the request; absent when nothing is. */
  audit: AuditRecord | undefined
  /** Texts for Warning headers, in order, without repeats. */
  readonly warnings: string[]
  /** Headers of the answer that say how the request was judged, whatever comes of it. */
  marks: Readonly<Record<string, string>> | undefined = undefined
  /** Whether there is a router in front of the resource that says what there is: custom resources have none. */
  isRouted = true
  /** In what an object can be sent as it is. Default: in all. */
  plainForms: readonly Encoding[] | undefined
  /** False for what is no table in any form: some subresources. */
  hasTables = true
  /** How long the request has waited for its turn, and for webhooks. Shared with who acts for the sender. */
  readonly outside: { ms: number }

  constructor(
    scope: Scope,
    core: Core,
    request: HttpRequest,
    info: ParsedRequest,
    user: UserInfo,
    auditId: string,
    warnings: string[] = [],
    outside: { ms: number } = { ms: 0 },
  ) {
    this.core = core
    this.scope = scope
    this.request = request
    this.info = info
    this.user = user
    this.auditId = auditId
    this.warnings = warnings
    this.outside = outside
  }

  /**
   * A part of the request begins, where that is recorded: what begins before its `end` is a part of it. What has not ended when the
   * request is answered ends then.
   */
  begin(name: string, attributes?: (context: RequestContext) => Attributes): Span | undefined {
    const { scope } = this
    if (scope.span === undefined || !(scope instanceof RequestScope)) return undefined
    return (scope.span = scope.span.start(name, attributes?.(this)))
  }

  end(span: Span | undefined): void {
    const { scope } = this
    if (span === undefined || !(scope instanceof RequestScope)) return
    for (let one = scope.span; one !== undefined && one !== span; one = one.parent) one.end()
    span.end()
    scope.span = span.parent
  }

  warn(text: string): void {
    if (text !== '' && !this.warnings.includes(text)) this.warnings.push(text)
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return typeof value === 'string' ? value : value?.[0]
  }

  /** How to answer. Throws `StatusError` 406. */
  accepted(lists: boolean): Accepted {
    const accept = this.request.headers['accept']
    const accepted = this.core.negotiator.accept(
      typeof accept === 'string' ? accept : accept?.join(','),
      lists,
      this.isRouted,
      this.plainForms,
    )
    return this.hasTables ? accepted : this.#untabled(accepted)
  }

  /** How to answer with a kind that has no tables: a clause that asks for one does not count. Throws `StatusError` 406. */
  acceptedUntabled(): Accepted {
    return this.#untabled(this.accepted(false))
  }

  #untabled(accepted: Accepted): Accepted {
    return accepted.form === 'Table' ? this.core.negotiator.acceptUntabled(this.header('accept') ?? '') : accepted
  }

  /** How to send a stream of events. Throws `StatusError` 406. */
  acceptedWatch(protobuf: boolean): Accepted {
    const accept = this.request.headers['accept']
    return this.core.negotiator.acceptWatch(typeof accept === 'string' ? accept : accept?.join(','), protobuf, this.isRouted)
  }

  body(): Promise<Uint8Array> {
    const body = this.request.readBody(MAX_BODY_BYTES)
    return body.then((bytes) => {
      if (this.info.isResource && bytes.length > 0) this.core.metrics.requests.body(this.info, bytes.length)
      this.audit?.body(bytes, this.header('content-type'))
      return bytes
    })
  }

  /** The question that authorizers are asked about this request, or about another verb on the same path. */
  question(verb: string = this.info.verb): AccessQuestion {
    const { info, user } = this
    const field =
      info.isResource && (verb === 'list' || verb === 'watch' || verb === 'deletecollection') ? info.query.get('fieldSelector') : null
    const label =
      info.isResource && (verb === 'list' || verb === 'watch' || verb === 'deletecollection') ? info.query.get('labelSelector') : null
    return {
      user,
      verb,
      isResource: info.isResource,
      group: info.group,
      version: info.version,
      resource: info.resource,
      subresource: info.subresource,
      namespace: info.namespace,
      name: info.name,
      path: info.path,
      ...(field === null ? {} : { fieldSelector: field }),
      ...(label === null ? {} : { labelSelector: label }),
    }
  }
}
