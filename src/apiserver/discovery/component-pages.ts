import { type HttpResponse, rfc3339, writeYaml } from '#base'
import { StatusError, inKeyOrder } from '#api'
import type { RequestContext } from '../registry/context.ts'
import { indented } from '../respond/json-text.ts'
import { JSON_TYPE, YAML_TYPE, acceptClauses } from '../respond/media.ts'
import { textAnswer } from '../respond/plain.ts'
import type { PathHandler } from '../router/handler.ts'

export interface Component {
  readonly name: string
  readonly startMs: number
  readonly version: { readonly gitVersion: string; readonly goVersion: string }
  /** Option to value. */
  readonly flags: Readonly<Record<string, string>>
}

const GROUP = 'config.k8s.io'
const NEWEST = 'v1beta1'
const VERSIONS = [NEWEST, 'v1alpha1']
const TEXT_TYPE = 'text/plain'
const PATHS = ['/flagz', '/healthz', '/livez', '/metrics', '/readyz', '/statusz', '/version']
const WARNING =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.'

/** `/statusz` and `/flagz` of a component (KEP 4827, 4828): lines for people, or an object of `config.k8s.io` for whoever names its version. */
export function componentPages(component: Component, now: () => number): readonly PathHandler[] {
  return [
    page(
      'Statusz',
      component,
      () => status(component, now()),
      (seen) => {
        const { startTime, uptimeSeconds, goVersion, binaryVersion, emulationVersion, paths } = seen
        return [
          `Started: ${dateLine(startTime)}`,
          `Up: ${upLine(uptimeSeconds)}`,
          `Go version: ${goVersion}`,
          `Binary version: ${binaryVersion}`,
          `Emulation version: ${emulationVersion}`,
          `Paths: ${paths.join(' ')}`,
        ]
      },
    ),
    page(
      'Flagz',
      component,
      () => ({ flags: inKeyOrder(component.flags) }),
      ({ flags }) => Object.entries(flags).map(([name, value]) => `${name}=${value}`),
    ),
  ]
}

function page<T extends object>(
  kind: 'Statusz' | 'Flagz',
  { name }: Component,
  look: () => T,
  linesOf: (seen: T) => readonly string[],
): PathHandler {
  const path = kind.toLowerCase()
  return (context) => {
    if (context.info.path !== `/${path}`) return undefined
    const accepted = accept(context, kind)
    if (accepted === 'text') {
      const gap = kind === 'Statusz' ? [''] : []
      return textAnswer(200, ['', `${name} ${path}`, WARNING, ...gap, ...linesOf(look()), ''].join('\n'))
    }
    const { type, version } = accepted
    if (version !== NEWEST) context.warn(`This version of the ${path} endpoint is deprecated. Please use a newer version.`)
    const object = { kind, apiVersion: `${GROUP}/${version}`, metadata: { name }, ...look() }
    return answer(`${type};g=${GROUP};v=${version};as=${kind}`, type === JSON_TYPE ? indented(object) : writeYaml(inKeyOrder(object)))
  }
}

interface Structured {
  readonly type: typeof JSON_TYPE | typeof YAML_TYPE
  readonly version: string
}

/** The first clause that fits. Throws `StatusError` 406. */
function accept(context: RequestContext, kind: string): 'text' | Structured {
  const header = context.header('accept')
  if (header === undefined || header === '') return 'text'
  for (const { type, params } of acceptClauses(header)) {
    if (type === '*/*' || type === 'text/*' || type === TEXT_TYPE) return 'text'
    if (type !== JSON_TYPE && type !== YAML_TYPE) continue
    const version = params.get('v') ?? ''
    if (params.get('as') === kind && params.get('g') === GROUP && VERSIONS.includes(version)) return { type, version }
  }
  throw new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message: `only the following media types are accepted: ${[JSON_TYPE, YAML_TYPE, TEXT_TYPE].join(', ')}`,
  })
}

function status({ startMs, version }: Component, nowMs: number) {
  const binary = version.gitVersion.replace(/^v/, '')
  return {
    startTime: rfc3339(startMs),
    uptimeSeconds: Math.floor((nowMs - startMs) / 1000),
    goVersion: version.goVersion,
    binaryVersion: binary,
    emulationVersion: binary.split('.').slice(0, 2).join('.'),
    paths: PATHS,
  }
}

/** As Unix writes dates: `Mon Nov 30 19:40:41 UTC 2026`. */
function dateLine(startTime: string): string {
  const [weekday = '', day = '', month = '', year = '', time = ''] = new Date(startTime).toUTCString().split(' ')
  return `${weekday.replace(',', '')} ${month} ${day.replace(/^0/, ' ')} ${time} UTC ${year}`
}

function upLine(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${two(seconds % 60)} sec`
}

function answer(contentType: string, text: string): HttpResponse {
  return { status: 200, headers: { 'content-type': contentType }, body: { kind: 'bytes', chunks: [Buffer.from(text)] } }
}
