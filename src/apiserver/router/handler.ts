import type { HttpHandler, HttpRequest, HttpResponse, Scope } from '#base'
import { hasReason } from '#api'
import type { Authenticator, Credentials, UserInfo } from '../contract.ts'
import { readAuditObject } from '../audit/audit-object.ts'
import type { AuditPolicy } from '../audit/audit-policy.ts'
import { AuditRecord, type AuditSink } from '../audit/audit-record.ts'
import { authenticateRequest } from '../auth/authenticate/authenticate.ts'
import type { ServerMetrics } from '../observe/server-metrics.ts'
import type { Impersonation } from '../auth/impersonate/impersonate.ts'
import type { Fairness } from '../flowcontrol/fairness.ts'
import { authorize } from '../registry/authorize.ts'
import { RequestContext } from '../registry/context.ts'
import type { Core } from '../registry/core.ts'
import { RoutingRefusal } from '../registry/routing-errors.ts'
import { type ResourceRoutes, serveResource } from '../registry/serve-resource.ts'
import { compressed } from '../respond/compress.ts'
import { refusalOf } from '../respond/errors.ts'
import { pageNotFound, textAnswer, tooManyRequests, warningHeaders } from '../respond/plain.ts'
import { refusalAnswer } from '../respond/refusal.ts'
import { RequestScope } from './request-scope.ts'
import { beginTrace, endTrace } from './request-trace.ts'
import type { Tracer } from '../trace/tracer.ts'
import { type ParsedRequest, parseRequest } from './request-info.ts'
import { timeoutOf } from './request-timeout.ts'

/** Serves a path that is no resource; undefined when it does not know it. */
export type PathHandler = (context: RequestContext) => HttpResponse | undefined | Promise<HttpResponse | undefined>

export interface HandlerOptions {
  readonly core: Core
  readonly routes: ResourceRoutes
  readonly authenticators: readonly Authenticator[]
  /** Whether this path is open to those who say nothing of themselves. Absent: every path. */
  readonly mayBeAnonymous?: (path: string) => boolean
  readonly impersonation: Impersonation | undefined
  /** Whose turn it is. Absent: everybody's, at once. */
  readonly fairness?: Fairness
  /** Asked before anything else: undefined for what no other server serves. */
  readonly aggregate?: (context: RequestContext) => Promise<HttpResponse> | undefined
  /** Asked in order. */
  readonly paths: readonly PathHandler[]
  readonly metrics: ServerMetrics
  readonly audit?: Audit
  /** Records what requests are made of. Absent: nothing is recorded. */
  readonly tracer?: Tracer | undefined
}

/** Which requests are written down, and where. */
export interface Audit {
  readonly policy: AuditPolicy
  readonly sink: AuditSink
}

/** The life of a request, from its first byte to the answer. The returned function never rejects. */
export function requestHandler(options: HandlerOptions): HttpHandler {
  const { core, tracer } = options
  return async (request) => {
    const startedAt = core.scope.clock.monotonic()
    const auditId = auditIdOf(core.scope, request)
    const info = parseRequest(request.method, request.target)
    if (info === undefined) return finish(textAnswer(400, '400 Bad Request'), auditId, [])
    options.metrics.requests.started(request.method)
    const scope = new RequestScope(core.scope, request)
    const authenticating = tracer?.begin('authentication', undefined)
    let context: RequestContext | undefined
    let answer: HttpResponse
    let audit: AuditRecord | undefined
    try {
      scope.timeoutMs = timeoutOf(info)
      const credentials = { headers: request.headers, peer: request.peer }
      const found = recognize(scope, options, credentials, info.path, startedAt)
      const user = found instanceof Promise ? await found : found
      context = new RequestContext(scope, core, request, info, user, auditId)
      if (tracer !== undefined) beginTrace(tracer, scope, context, authenticating)
      context.begin('audit')
      audit = context.audit = recordOf(options, context)
      answer = await serve(options, context)
      if (audit !== undefined) answer = audit.answered(answer)
      if (request.headers['accept-encoding'] !== undefined) answer = await compressed(request, answer)
    } catch (error) {
      answer = refusalAnswer(request, refusalOf(scope, error, auditId))
      if (error instanceof RoutingRefusal) context?.warnings.splice(0)
      audit ??= recordOf(options, new RequestContext(scope, core, request, info, NOBODY, auditId))
      if (audit !== undefined) answer = audit.answered(answer)
    }
    const durationMs = core.scope.clock.monotonic() - startedAt
    const known = isKnown(core, info)
    options.metrics.requests.finished(request.method, info, known, answer, durationMs, context?.outside.ms, context?.user.name)
    const finished = finish(
      request.method === 'HEAD' ? { ...answer, body: { kind: 'empty' } } : answer,
      auditId,
      context?.warnings ?? [],
      context?.marks,
    )
    return tracer === undefined ? finished : endTrace(scope, authenticating, finished)
  }
}

/** Whether it is about a resource that is served: only those have metrics of their own. */
function isKnown(core: Core, info: ParsedRequest): boolean {
  return info.isResource && core.catalog.find(info.group, info.version, info.resource) !== undefined
}

function recognize(
  scope: Scope,
  { core, authenticators, mayBeAnonymous, metrics }: HandlerOptions,
  credentials: Credentials,
  path: string,
  startedAt: number,
): UserInfo | Promise<UserInfo> {
  const { clock } = core.scope
  const done = (user: UserInfo): UserInfo => {
    metrics.access.recognized('success', (clock.monotonic() - startedAt) / 1000, user.name)
    return user
  }
  const failed = (error: unknown): never => {
    metrics.access.recognized(hasReason(error, 'Unauthorized') ? 'failure' : 'error', (clock.monotonic() - startedAt) / 1000)
    throw error
  }
  try {
    const user = authenticateRequest(scope, authenticators, credentials, mayBeAnonymous?.(path) ?? true)
    return user instanceof Promise ? user.then(done, failed) : done(user)
  } catch (error) {
    return failed(error)
  }
}

/** Who could not be told who they are. */
const NOBODY: UserInfo = { name: '', groups: [], extra: {} }

function recordOf({ audit, metrics }: HandlerOptions, { scope, request, info, user, auditId }: RequestContext): AuditRecord | undefined {
  if (audit === undefined) return undefined
  const decision = audit.policy.decide(info, user)
  metrics.audit.decided(decision?.level ?? 'None')
  if (decision === undefined) return undefined
  return new AuditRecord(scope, audit.sink, decision, { request, info, user, auditId, read: readAuditObject })
}

async function serve(options: HandlerOptions, sender: RequestContext): Promise<HttpResponse> {
  sender.begin('constrainedimpersonation')
  const context = await actAs(options, sender)
  context.begin('priorityandfairness')
  const entering = options.fairness?.enter(context)
  if (entering === undefined) return dispatch(options, context)
  const { clock } = options.core.scope
  const arrivedAt = clock.monotonic()
  const turn = entering instanceof Promise ? await entering : entering
  sender.marks = turn.marks
  const startedAt = turn === entering ? arrivedAt : clock.monotonic()
  sender.outside.ms += startedAt - arrivedAt
  options.metrics.access.waited((startedAt - arrivedAt) / 1000)
  if (!turn.granted) {
    options.metrics.requests.terminated(context.request.method, context.info, isKnown(options.core, context.info), 429)
    return tooManyRequests()
  }
  try {
    return await dispatch(options, context)
  } finally {
    turn.done(clock.monotonic() - startedAt, context.info.verb === 'watch')
  }
}

async function dispatch(options: HandlerOptions, context: RequestContext): Promise<HttpResponse> {
  context.begin('authorization')
  await authorize(context, context.question())
  const { info } = context
  const passed = options.aggregate?.(context)
  if (passed !== undefined) return passed
  if (info.isResource && options.core.catalog.hasGroup(info.group)) return serveResource(context, options.routes)
  for (const path of options.paths) {
    const answer = path(context)
    const found = answer instanceof Promise ? await answer : answer
    if (found !== undefined) return found
  }
  return pageNotFound()
}

/** The request as the user that it asks to act as. */
async function actAs(options: HandlerOptions, context: RequestContext): Promise<RequestContext> {
  const { core, scope, request, info, user, auditId } = context
  const asked = options.impersonation?.impersonate(scope, request.headers, context.question())
  if (asked === undefined) return context
  const found = asked instanceof Promise ? await asked : asked
  if (found === user) return context
  const acting = new RequestContext(scope, core, request, info, found, auditId, context.warnings, context.outside)
  acting.audit = context.audit
  context.audit?.impersonates(found)
  return acting
}

function auditIdOf(scope: Scope, request: HttpRequest): string {
  const given = request.headers['audit-id']
  return typeof given === 'string' && given !== '' && given.length <= 64 ? given : scope.random.uuid()
}

function finish(answer: HttpResponse, auditId: string, warnings: readonly string[], marks?: RequestContext['marks']): HttpResponse {
  const headers: Record<string, string | readonly string[]> = {
    'audit-id': auditId,
    'cache-control': 'no-cache, private',
    ...answer.headers,
    ...marks,
  }
  if (warnings.length > 0) headers['warning'] = warningHeaders(warnings)
  return { status: answer.status, headers, body: answer.body }
}
