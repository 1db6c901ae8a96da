import type { RawRoute } from '../contract.ts'
import { methodNotAllowed } from '../registry/routing-errors.ts'
import type { RequestContext } from '../registry/context.ts'
import { jsonAnswer } from '../respond/plain.ts'
import { JSON_TYPE, notAcceptable, routerTakes } from '../respond/media.ts'
import type { PathHandler } from '../router/handler.ts'

/** What `/version` says: the Kubernetes that is spoken, and the build that speaks it. */
export interface VersionInfo {
  readonly gitVersion: string
  readonly gitCommit: string
  readonly buildDate: string
  readonly goVersion: string
  readonly platform: string
}

const SPOKEN = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
} as const

export function versionPath(version: VersionInfo): PathHandler {
  const document = { ...SPOKEN, ...version, gitTreeState: 'clean', compiler: 'node' }
  return (context) => {
    if (context.info.path !== '/version' && context.info.path !== '/version/') return undefined
    mustBeGet(context)
    mustAccept(context, JSON_TYPE)
    return jsonAnswer(document)
  }
}

/** Paths with bytes of their own. Their one media type, or anything, must be accepted. */
export function rawPaths(routes: readonly RawRoute[]): PathHandler {
  const byPath = new Map(routes.map((route) => [route.path, route]))
  return (context) => {
    const route = byPath.get(context.info.path)
    if (route === undefined) return undefined
    mustBeGet(context)
    mustAccept(context, route.contentType)
    const bytes = route.body(context.scope, { host: context.header('host') ?? context.header(':authority') ?? '' })
    const headers = { 'content-type': route.contentType, 'cache-control': `public, max-age=${route.maxAgeSeconds}` }
    return { status: 200, headers, body: { kind: 'bytes', chunks: [bytes] } }
  }
}

/** `/`: the paths that there are. */
export function indexPath(paths: () => readonly string[]): PathHandler {
  return (context) => (context.info.path === '/' ? jsonAnswer({ paths: [...paths()].sort() }) : undefined)
}

function mustBeGet(context: RequestContext): void {
  const { method } = context.request
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed()
}

function mustAccept(context: RequestContext, type: string): void {
  if (!routerTakes(context.header('accept') ?? '', [type])) throw notAcceptable([type])
}
